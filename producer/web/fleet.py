"""Who is attached, by what the workers say of themselves each second. No broker in here, no clock.

A worker that hasn't been heard for `UNSEEN` seconds is gone. Totals count since a worker's start, so
rates come from the difference between what it said now and up to `SPAN` seconds ago.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.record import rfc3339
from shared.records import Started
from shared.wire import LAST_MS

UNSEEN = 5.0  # seconds
SPAN = 10.0  # seconds

Moment = Annotated[int, Field(ge=0, le=LAST_MS)]


class Worker(BaseModel):
    """What a worker says of itself. `since` in milliseconds since 1970; `finished`: queue → attempts that ended."""

    model_config = ConfigDict(frozen=True)

    name: str
    host: str
    pid: int
    version: str
    since: Moment
    policy: str
    queues: tuple[str, ...]
    slots: Mapping[str, int]
    in_flight: Mapping[str, int] = Field(default_factory=dict[str, int])
    done: int = 0
    failed: int = 0
    finished: Mapping[str, int] | None = None
    stopping: bool = False

    @property
    def ended(self) -> int:
        return self.done + self.failed


class Presence(BaseModel):
    """A worker is there, or has left."""

    kind: Literal["presence"]
    worker: Worker
    gone: bool = False


class Start(BaseModel):
    """A job that lasts over a second runs. `at` in milliseconds since 1970."""

    kind: Literal["started"]
    id: str
    worker: str
    attempt: int
    at: Moment

    @property
    def change(self) -> Started:
        return Started(self.id, self.worker, self.attempt, self.at)


Event = Presence | Start
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


@dataclass
class _Member:
    worker: Worker
    seen: float
    history: deque[tuple[float, Mapping[str, int]]] = field(default_factory=deque[tuple[float, Mapping[str, int]]])

    def rate(self, queue: str) -> float:
        """Attempts of `queue` that ended, a second."""
        (began, before), (ended, after) = self.history[0], self.history[-1]
        return (after.get(queue, 0) - before.get(queue, 0)) / (ended - began) if ended > began else 0.0


class Fleet:
    """The workers that are there. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}

    def hear(self, presence: Presence, now: float) -> None:
        worker = presence.worker
        if presence.gone:
            self._members.pop(worker.name, None)
            return
        member = self._members.get(worker.name)
        if member is None or member.worker.since != worker.since:  # a new one, or the old one's name anew
            member = self._members[worker.name] = _Member(worker, now)
        member.worker, member.seen = worker, now
        if worker.finished is not None:
            member.history.append((now, worker.finished))
        while member.history and member.history[0][0] < now - SPAN:
            member.history.popleft()

    def workers(self, now: float) -> list[Worker]:
        """Who is there, by name."""
        return [member.worker for member in self._present(now)]

    def in_flight(self, queue: str, now: float) -> int:
        """How many jobs of `queue` run."""
        return sum(member.worker.in_flight.get(queue, 0) for member in self._present(now))

    def rate(self, queue: str, now: float) -> float | None:
        """Attempts of `queue` that end, a second, over the last seconds; None where no worker says."""
        telling = [member for member in self._present(now) if member.history]
        return round(sum(member.rate(queue) for member in telling), 2) if telling else None

    def _present(self, now: float) -> list[_Member]:
        self._members = {name: member for name, member in self._members.items() if member.seen >= now - UNSEEN}
        return [self._members[name] for name in sorted(self._members)]


def members(workers: Iterable[Worker]) -> list[dict[str, Any]]:
    """The members of workers as HTTP shows them; `share` is a worker's part of all that the attached ones did, 0 to 1."""
    workers = list(workers)
    total = sum(worker.ended for worker in workers)
    return [
        {
            **worker.model_dump(exclude={"finished"}),
            "in_flight": sum(worker.in_flight.values()),
            "since": rfc3339(worker.since),
            "share": round(worker.ended / total, 4) if total else 0.0,
        }
        for worker in workers
    ]
