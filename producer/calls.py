"""What both clients share: sealing a job, naming a publish outcome, and matching replies to waiters.

No threads, no loop, no sockets. A waiter is anything with `done` and `set_result`, so an
`asyncio.Future` and a `concurrent.futures.Future` both are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar, assert_never
from weakref import WeakValueDictionary

from pydantic import ValidationError

from shared.envelope import Envelope, Reply
from shared.errors import BrokerDown, FairwayError, JobFailed, NotAccepted, OutcomeUnknown, Unreadable
from shared.job import QUEUE, Job
from shared.link import Accepted, PublishOutcome, Refused, Unknown, Unroutable
from shared.wire import TAG

R = TypeVar("R")


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def seal(
    job: Job[Any],
    id: str,
    *,
    queue: str | None = None,
    tags: Iterable[str] = (),
    reply_to: str | None = None,
    now: Callable[[], int] = now_ms,
) -> Envelope:
    """The envelope of a new job. Raises `ValueError` for a queue or a tag of another form."""
    spec = job.spec
    tags = tuple(tags)
    check_labels(queue, tags)
    args = job.__pydantic_serializer__.to_json(job)
    return Envelope(id, spec.name, queue or spec.queue, args, now(), 1, reply_to, tags)


def check_labels(queue: str | None, tags: tuple[str, ...]) -> None:
    """Raises `ValueError` naming the field where the queue or a tag has a form that can't travel."""
    if queue is not None and not QUEUE.fullmatch(queue):
        raise ValueError(f"queue: {queue!r} must match [a-z0-9-]{{1,40}}")
    if len(tags) > 20:
        raise ValueError("tags: at most 20")
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise ValueError(f"tags: {tag!r} must be 1 to 40 of A-Z a-z 0-9 _ . : @ -")


def error_of(outcome: PublishOutcome, id: str) -> FairwayError | None:
    """What to raise for a publish that was not accepted; None for one that was."""
    match outcome:
        case Accepted():
            return None
        case Unroutable(reason):
            return NotAccepted(f"{reason}; does the queue exist? `fairway topology plan` shows what is missing")
        case Refused(reason, away):
            return BrokerDown(reason) if away else NotAccepted(reason)
        case Unknown(reason):
            return OutcomeUnknown(reason, id)
        case _:
            assert_never(outcome)


def reply_value(job: Job[R], reply: Reply) -> R:
    """The typed reply. Raises `JobFailed` with the problem, or `Unreadable` where the reply doesn't fit."""
    if reply.problem is not None:
        raise JobFailed(reply.problem)
    try:
        value: R = job.spec.reply.validate_json(reply.reply or b"null")
    except ValidationError as error:
        raise Unreadable(f"the reply of job {reply.id} does not fit {job.spec.name}: {error}") from error
    return value


class Waiter(Protocol):
    """One caller who waits for a reply."""

    def done(self) -> bool: ...

    def set_result(self, result: Reply, /) -> None: ...


W = TypeVar("W", bound=Waiter)


class Ledger:
    """Who waits for which reply, by id. Holds its waiters weakly: a handle that is dropped waits no more."""

    def __init__(self) -> None:
        self._waiters: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.unclaimed = 0  # replies that nobody waited for: second ones, late ones, foreign ones

    def __len__(self) -> int:
        return len(self._waiters)

    def enter(self, id: str, waiter: W) -> W:
        """From now on a reply for `id` wakes `waiter`."""
        self._waiters[id] = waiter
        return waiter

    def forget(self, id: str) -> None:
        self._waiters.pop(id, None)

    def settle(self, reply: Reply) -> bool:
        """Wake the caller. False where nobody waits; that is counted."""
        waiter = self._waiters.pop(reply.id, None)
        if waiter is None or waiter.done():
            self.unclaimed += 1
            return False
        waiter.set_result(reply)
        return True
