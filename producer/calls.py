"""What both clients share: reading replies, and matching them to waiters.

No threads, no loop, no sockets. A waiter is anything with `done` and `set_result`, so an
`asyncio.Future` and a `concurrent.futures.Future` both are.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from pydantic import ValidationError

from shared.envelope import Reply
from shared.errors import JobFailed, Unreadable
from shared.job import Job

R = TypeVar("R")


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

    def settle(self, reply: Reply) -> bool:
        """Wake the caller. False where nobody waits; that is counted."""
        waiter = self._waiters.pop(reply.id, None)
        if waiter is None or waiter.done():
            self.unclaimed += 1
            return False
        waiter.set_result(reply)
        return True
