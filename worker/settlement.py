"""Carrying an outcome out on the broker.

The order is the guarantee: what the outcome creates is confirmed before the delivery is let go of. A
crash in between means a job that is seen twice, never one that is lost.
"""

from __future__ import annotations

import asyncio
from typing import assert_never

from shared.backoff import Backoff, full_jitter
from shared.envelope import Reply, State
from shared.errors import Problem
from shared.link import Accepted, Link, Outbox, Publication, Unroutable
from shared.link.delivery import Delivery
from shared.log import Logger
from shared.submission import now_ms
from shared.topology import Names
from shared.wire import NOBODY, dead_letter, handed_back, pack_reply
from worker.held import Held
from worker.outcome import Dead, Done, GivenBack, Outcome

log = Logger()


class Settlement:
    """`worker` is this worker's name; `keeps_records`: whether a reply that nobody waits for is wanted."""

    def __init__(
        self, link: Link, outbox: Outbox, names: Names, worker: str, *, keeps_records: bool, backoff: Backoff | None = None
    ) -> None:
        self._link, self._outbox, self._names, self._worker = link, outbox, names, worker
        self._keeps_records = keeps_records
        self._backoff = backoff or full_jitter(limit=5.0)

    async def settle(self, held: Held, outcome: Outcome) -> None:
        """Confirm what `outcome` creates, then ack. Cancelling it leaves the delivery to the broker.

        The delivery may become another one while we wait (adoption): the ack is for the one that is held then.
        """
        match outcome:
            case Done(reply):
                if self._wants_reply(held):
                    await self._confirmed(self._reply(held, State.DONE, reply=reply), held.envelope.id)
                self._link.ack(held.delivery)
            case Dead(problem):
                if wanted := self._wants_reply(held):
                    await self._confirmed(self._reply(held, State.DEAD, problem=problem), held.envelope.id)
                letter = self._dead_letter(held.delivery, held.envelope.queue, problem, recorded=wanted)
                await self._confirmed(letter, held.envelope.id)
                self._link.ack(held.delivery)
            case GivenBack():
                self._link.give_back(held.delivery)
            case _:
                assert_never(outcome)

    async def bury(self, delivery: Delivery, queue: str, problem: Problem) -> None:
        """To the dead letters, with the problem; then ack."""
        await self._confirmed(self._dead_letter(delivery, queue, problem, recorded=False), delivery.message.id)
        self._link.ack(delivery)

    async def hand_back(self, delivery: Delivery, queue: str) -> None:
        """Back to its queue by a publish of our own (a `nack` would count as a delivery up to 4.2); then ack."""
        await self._confirmed(Publication(self._names.jobs, queue, handed_back(delivery.message)), delivery.message.id)
        self._link.ack(delivery)

    def _dead_letter(self, delivery: Delivery, queue: str, problem: Problem, *, recorded: bool) -> Publication:
        letter = dead_letter(delivery.message, problem, queue=queue, worker=self._worker, recorded=recorded)
        return Publication(self._names.dead, queue, letter)

    def _wants_reply(self, held: Held) -> bool:
        return self._keeps_records or held.envelope.reply_to not in (None, NOBODY)

    def _reply(self, held: Held, state: State, *, reply: bytes | None = None, problem: Problem | None = None) -> Publication:
        envelope = held.envelope
        ended = Reply(
            id=envelope.id,
            type=envelope.type,
            queue=envelope.queue,
            state=state,
            created=envelope.created,
            reply=reply,
            problem=problem,
            worker=self._worker,
            attempt=envelope.attempt,
            deliveries=held.delivery.deliveries,
            started=held.started,
            finished=now_ms(),
            tags=envelope.tags,
        )
        return Publication(self._names.replies, envelope.reply_to or NOBODY, pack_reply(ended))

    async def _confirmed(self, publication: Publication, id: str) -> None:
        """Publish until the broker has it.

        A reply that nobody takes any more counts as settled, but not where records are kept: they must have it.
        """
        attempt = 0
        while True:
            outcome = await self._outbox.publish(publication)
            if isinstance(outcome, Accepted):
                return
            if isinstance(outcome, Unroutable) and publication.exchange == self._names.replies and not self._keeps_records:
                return
            attempt += 1
            log.warning("job.unsettled", job=id, exchange=publication.exchange, reason=outcome.reason, tries=attempt)
            await asyncio.sleep(self._backoff(attempt))
