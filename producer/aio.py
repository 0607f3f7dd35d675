"""The client for asyncio web tiers.

    async with Client() as client:
        handle = await client.submit(Resize(url=url, width=300))
        resized = await client.call(Resize(url=url, width=300), timeout=10)

The Link works in a thread of its own; what crosses the border goes in batches.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from producer.calls import Ledger, reply_value
from producer.recorder import Recorder
from producer.replies import new_client, reply_queue
from producer.store import open_given_records
from shared.envelope import Envelope, Reply
from shared.errors import FairwayError, NoRecords, NoReplyInTime, OutcomeUnknown, Unreadable
from shared.ids import Ids
from shared.job import Job
from shared.link import Delivery, Link, LinkStatus, Mailbox, Outbox, Subscription
from shared.log import Logger
from shared.record import Record
from shared.records import Records
from shared.settings import Settings
from shared.submission import error_of, publication_of, seal
from shared.topology import Names
from shared.wire import unpack_reply

log = Logger()

R = TypeVar("R")


class JobHandle(Generic[R]):
    """A job that was accepted."""

    def __init__(self, client: Client, job: Job[R], id: str, waiter: asyncio.Future[Reply] | None) -> None:
        self.id = id
        self._client, self._job, self._waiter = client, job, waiter

    async def status(self) -> Record:
        """What is known of the job. Raises `NoRecords` where the client was given none, `KeyError` where
        the record isn't there (yet), `RecordsDown`.
        """
        return await self._client.status(self.id)

    async def result(self, timeout: float) -> R:
        """Wait for the reply, at most `timeout` seconds.

        Raises `JobFailed` with the problem, `NoReplyInTime`, and `ValueError` where the job was
        submitted with `reply=False`.
        """
        if self._waiter is None:
            raise ValueError(f"job {self.id} was submitted with reply=False")
        reply = await _in_time(self._waiter, timeout, self.id)
        return reply_value(self._job, reply)


class Client:
    """Submits jobs and receives replies over one pair of connections, from one event loop.

    Starts at its first use. `settings` by default from the environment; records are written and read
    where `FAIRWAY_RECORDS_URL` was given, or `records` is. `role` is shown in RabbitMQ's admin UI;
    `also` are further subscriptions of the same Link, called back in the Link's thread.
    """

    def __init__(
        self, settings: Settings | None = None, *, records: Records | None = None, role: str = "client", also: Sequence[Subscription] = ()
    ) -> None:
        self.settings = settings or Settings.load()
        self.names = Names(self.settings.prefix)
        self.records = records
        self._owns_records = records is None
        self._role, self._also = role, tuple(also)
        self._ledger, self._ids = Ledger(), Ids()
        self._client = new_client()
        self._link: Link | None = None
        self._pid = 0

    async def __aenter__(self) -> Self:
        self._started()
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        await self.close()

    @property
    def reply_key(self) -> str:
        """The `reply_to` under which replies reach this client."""
        return f"r.{self._client}"

    @property
    def link_status(self) -> LinkStatus:
        """Whether jobs can be submitted and replies come in, and what is in the way."""
        return self._started().status

    @property
    def unclaimed_replies(self) -> int:
        """Replies that nobody waited for."""
        return self._ledger.unclaimed

    async def ready(self, timeout: float) -> None:
        """Wait until jobs can be submitted, at most `timeout` seconds. Raises `BrokerDown` with what is in the way.

        Not needed before `submit`, which waits by itself.
        """
        await asyncio.to_thread(self._started().wait_healthy, timeout)

    async def submit(self, job: Job[R], *, queue: str | None = None, tags: Iterable[str] = (), reply: bool = True) -> JobHandle[R]:
        """Hand a job over; returns when the broker has it safe.

        `queue` by default the job type's own, `tags` are labels to find it by, `reply=False` says that
        nobody will ask for the result here. Raises `BrokerDown` or `NotAccepted` (certainly not
        accepted), `OutcomeUnknown` (carries the id), `TooLarge`, `ValueError`.
        """
        envelope = self._seal(job, queue, tags, reply=reply)
        waiter = self.expect(envelope.id) if reply else None
        await self.accept(envelope)
        return JobHandle(self, job, envelope.id, waiter)

    async def call(self, job: Job[R], *, timeout: float = 30.0, queue: str | None = None, tags: Iterable[str] = ()) -> R:
        """Hand a job over and wait for its reply, at most `timeout` seconds in all.

        Raises `JobFailed`, `NoReplyInTime`, and what `submit` raises. A publish of unknown outcome is
        waited for all the same: the reply proves that the job was accepted.
        """
        until = time.monotonic() + timeout
        envelope = self._seal(job, queue, tags, reply=True)
        waiter = self.expect(envelope.id)
        unknown: OutcomeUnknown | None = None
        try:
            await self.accept(envelope, timeout=timeout)
        except OutcomeUnknown as error:
            unknown = error
        try:
            return reply_value(job, await _in_time(waiter, until - time.monotonic(), envelope.id))
        except NoReplyInTime:
            if unknown is not None:
                raise unknown from None
            raise

    async def accept(self, envelope: Envelope, *, timeout: float | None = None) -> None:
        """Publish one sealed job and record it; raises what `accept_all` would return for it."""
        self._started()
        outcome = await self._outbox.publish(publication_of(envelope, self.names, self.settings), timeout)
        error = error_of(outcome, envelope.id)
        if error is not None:
            raise error
        await self._record((envelope,))

    async def accept_all(self, envelopes: Sequence[Envelope], *, timeout: float | None = None) -> list[FairwayError | None]:
        """Publish sealed jobs in one confirm window and record the accepted ones.

        Returns one entry for each: None where it was accepted, else the error. `timeout` in seconds for
        the confirms, by default FAIRWAY_CONFIRM_TIMEOUT. Raises `TooLarge` before anything is sent.
        """
        self._started()
        publications = [publication_of(envelope, self.names, self.settings) for envelope in envelopes]
        waiting = [self._outbox.publish(publication, timeout) for publication in publications]
        outcomes = [await outcome for outcome in waiting]
        errors = [error_of(outcome, envelope.id) for outcome, envelope in zip(outcomes, envelopes, strict=True)]
        await self._record([envelope for envelope, error in zip(envelopes, errors, strict=True) if error is None])
        return errors

    def expect(self, id: str) -> asyncio.Future[Reply]:
        """A future for the reply of job `id`; it waits as long as somebody holds it."""
        return self._ledger.enter(id, self._loop.create_future())

    def new_id(self) -> str:
        return self._ids.new()

    async def status(self, id: str) -> Record:
        """The record of a job; see `JobHandle.status`."""
        self._started()
        if self.records is None:
            raise NoRecords("this client was given no records: set FAIRWAY_RECORDS_URL, or ask the web tier")
        record = await asyncio.to_thread(self.records.get, id)
        if record is None:
            raise KeyError(id)
        return record

    def ack(self, delivery: Delivery) -> None:
        """Settle a delivery of one of the `also` subscriptions, unless the client was closed. Any thread."""
        link = self._link
        if link is not None:
            link.ack(delivery)

    async def close(self) -> None:
        """Let go of the broker; replies that are still out will not be seen."""
        link, self._link = self._link, None
        if link is not None and self._pid == os.getpid():
            await asyncio.to_thread(link.stop)
            if self._owns_records and self.records is not None:
                self.records.close()

    # -- inside ------------------------------------------------------------------------------------

    def _started(self) -> Link:
        if self._link is None or self._pid != os.getpid():
            self._link = self._start()  # after a fork the parent's thread and sockets are not ours
        return self._link

    def _start(self) -> Link:
        self._pid, self._loop = os.getpid(), asyncio.get_running_loop()
        self._client, self._ledger, self._ids = new_client(), Ledger(), Ids()  # ids of two processes never meet
        if self._owns_records:
            self.records = open_given_records(self.settings)
        self._arrived: Mailbox[Delivery] = Mailbox(self._loop, self._receive)
        replies = reply_queue(self.names, self._client, self._arrived.put_all)
        self._recorder = Recorder(self.records, self._loop) if self.records is not None else None
        link = Link(self.settings, self._role, (replies, *self._also))
        self._outbox = Outbox(link, self._loop)
        link.start()
        return link

    def _seal(self, job: Job[Any], queue: str | None, tags: Iterable[str], *, reply: bool) -> Envelope:
        self._started()  # the reply key is made anew in a forked child
        return seal(job, self._ids.new(), queue=queue, tags=tags, reply_to=self.reply_key if reply else None)

    def _receive(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            try:
                self._ledger.settle(unpack_reply(delivery.message))
            except Unreadable as error:
                log.warning("message.unreadable", queue=delivery.queue, reason=str(error))
            self.ack(delivery)

    async def _record(self, accepted: Sequence[Envelope]) -> None:
        """A store that is away, which it says in the log, doesn't hold a job up: the row is rebuilt from the reply."""
        if self._recorder is not None:
            for write in [self._recorder.accepted(envelope) for envelope in accepted]:
                await write


async def _in_time(waiter: asyncio.Future[Reply], timeout: float, id: str) -> Reply:
    done, _ = await asyncio.wait({waiter}, timeout=max(timeout, 0.0))
    if not done:
        raise NoReplyInTime(f"no reply for job {id} in {timeout:.3f} s; the job itself goes on")
    return waiter.result()
