"""What is known of one job, and the rules by which that becomes its record: those of `shared.records.port`, as plain code.

All that was told is kept, and the record derived from it: so the order of arrival can't matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from shared.envelope import Envelope, State
from shared.record import Record
from shared.records import Accepted, Change, Ended, Started


@dataclass(frozen=True)
class Known:
    """What is known of one job."""

    id: str
    accepted: Envelope | None = None
    started: tuple[Started, ...] = ()
    ended: Ended | None = None

    def with_change(self, change: Change) -> Known:
        match change:
            case Accepted(job):
                earliest = self.accepted is None or job.created < self.accepted.created
                return replace(self, accepted=job) if earliest else self
            case Started():
                return replace(self, started=(*self.started, change))
            case Ended():
                return self if self.ended else replace(self, ended=change)
            case _:
                assert_never(change)

    @property
    def record(self) -> Record | None:
        if self.ended is not None:
            return self._identified(_ended(self.ended))
        if self.accepted is None:
            return None
        return self._identified(self._running() if self.started else Record(self.id, "", "", State.QUEUED, 0))

    @property
    def over(self) -> int | None:
        """When the job ended; of a lone start when that was. None while it is to come or runs."""
        if self.ended is not None:
            record = self._identified(_ended(self.ended))
            return next(at for at in (record.finished, record.started, record.created) if at is not None)
        if self.accepted is None:
            return max(start.at_ms for start in self.started)
        return None

    def _running(self) -> Record:
        last = max(self.started, key=lambda start: (start.at_ms, start.worker))
        attempt = max(start.attempt for start in self.started)
        return Record(self.id, "", "", State.RUNNING, 0, attempt=attempt, deliveries=attempt, worker=last.worker, started=last.at_ms)

    def _identified(self, record: Record) -> Record:
        job = self.accepted
        if job is None:
            return record
        return replace(record, type=job.type, queue=job.queue, created=job.created, args=job.args, tags=job.tags)


def _ended(ended: Ended) -> Record:
    reply = ended.reply
    return Record(
        id=reply.id,
        type=reply.type,
        queue=reply.queue,
        state=reply.state,
        created=reply.created,
        args=ended.args,
        tags=reply.tags,
        attempt=reply.attempt,
        deliveries=reply.deliveries,
        worker=reply.worker or None,
        reply=reply.reply,
        problem=reply.problem,
        started=reply.started,
        finished=reply.finished,
    )


def job_of(change: Change) -> str:
    """The id of the job that the change is told of."""
    match change:
        case Accepted(job):
            return job.id
        case Started(id):
            return id
        case Ended(reply):
            return reply.id
        case _:
            assert_never(change)
