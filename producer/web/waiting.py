"""Who waits for the end of which job: woken by the push of the reply where it comes to this replica, else by its record.

    on(id) ──► client.expect(id) ──push──────────────────┐
         └───► poller: records.changed()? get_many(ids) ─┴─► Wait.ended(seconds)

One poller serves all who wait, and rests ten times as long as it took, so that many waiters don't
keep the store busy. A push is at most once, so the records are asked for own jobs too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from producer.aio import Client
from shared.envelope import Reply
from shared.errors import RecordsDown
from shared.record import Record
from shared.records import Records

EVERY = 0.02  # seconds
REST = 10  # times as long as a look took
LONGEST_REST = 1.0  # second; one look that waited for a lock must not put all others off
MOST_WAITERS = 10_000


class Wait:
    """One job that somebody waits for."""

    def __init__(self, future: asyncio.Future[Reply]) -> None:
        self.future = future
        self.waiters = 0

    async def ended(self, seconds: float) -> Reply | None:
        """How the job ended, or None after `seconds`."""
        if seconds > 0:
            await asyncio.wait({self.future}, timeout=seconds)
        return self.future.result() if self.future.done() and not self.future.cancelled() else None


class Waiting:
    """`records` is None where none are kept: then only the push wakes."""

    def __init__(self, client: Client, records: Records | None) -> None:
        self._client, self._records = client, records
        self._waits: dict[str, Wait] = {}
        self._waiters = 0
        self._closed = False
        self._poller: asyncio.Task[None] | None = None
        self._seen = 0  # what `changed` said at the last look
        self._came = False  # somebody who wasn't looked for yet

    def granted(self, seconds: float, limit: float) -> float:
        """How long a client who wants `seconds` may wait: not at all where too many do, or the tier stops."""
        return 0.0 if self._closed or self._waiters >= MOST_WAITERS else min(seconds, limit)

    @contextmanager
    def on(self, id: str) -> Generator[Wait]:
        """From here on the end of the job is not missed."""
        wait = self._enter(id)
        try:
            yield wait
        finally:
            self._leave(id, wait)

    def finish(self) -> None:
        """Let all who wait go, with what is known by now; nobody waits from here on."""
        self._closed = True
        for wait in self._waits.values():
            wait.future.cancel()

    def _enter(self, id: str) -> Wait:
        wait = self._waits.get(id)
        if wait is None:
            wait = self._waits[id] = Wait(self._client.expect(id))
        wait.waiters += 1
        self._waiters += 1
        self._came = True
        if self._poller is None and self._records is not None:
            self._poller = asyncio.create_task(self._poll(self._records))
        return wait

    def _leave(self, id: str, wait: Wait) -> None:
        self._waiters -= 1
        wait.waiters -= 1
        if not wait.waiters:
            del self._waits[id]

    async def _poll(self, records: Records) -> None:
        """While anybody waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waits:
                began = loop.time()
                try:
                    await self._look(records)
                except RecordsDown:
                    self._came = True  # the store says so in the log; the push still wakes
                await asyncio.sleep(rest_after(loop.time() - began))
        finally:
            self._poller = None  # whoever comes next starts a new one

    async def _look(self, records: Records) -> None:
        came, self._came = self._came, False  # whoever comes from here on is looked for the next time
        changed = await asyncio.to_thread(records.changed)
        if changed == self._seen and not came:
            return
        self._seen = changed
        ids = [one for one, wait in self._waits.items() if not wait.future.done()]
        for record in (await asyncio.to_thread(records.get_many, ids)).values():
            wait = self._waits.get(record.id)
            if wait is not None and record.state.terminal and not wait.future.done():
                wait.future.set_result(_reply_of(record))


def rest_after(took: float) -> float:
    """How long to rest after a look that took so long, in seconds."""
    return min(max(EVERY, REST * took), LONGEST_REST)


def finished(record: Record, reply: Reply) -> Record:
    """The record of a job that ended with `reply`, before the store has it."""
    return replace(
        record,
        state=reply.state,
        attempt=reply.attempt,
        deliveries=reply.deliveries,
        worker=reply.worker or None,
        reply=reply.reply,
        problem=reply.problem,
        started=reply.started,
        finished=reply.finished,
    )


def _reply_of(record: Record) -> Reply:
    return Reply(
        id=record.id,
        type=record.type,
        queue=record.queue,
        state=record.state,
        created=record.created,
        reply=record.reply,
        problem=record.problem,
        worker=record.worker or "",
        attempt=record.attempt,
        deliveries=record.deliveries,
        started=record.started,
        finished=record.finished,
        tags=record.tags,
    )
