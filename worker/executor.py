"""The port of an executor: where a handler runs. Bytes in, bytes out, so that validation and JSON
are done where the work is.
"""

from __future__ import annotations

from typing import Protocol, Self

from shared.envelope import Envelope
from shared.errors import Problem
from worker.handler import Handler


class TimedOut(Exception):
    """The handler was over its time limit and was stopped (or, in a thread, has ended by itself since)."""


class ChildDied(Exception):
    """The child process that ran the handler ended (signal, exit, out of memory)."""


class ReplyTooLarge(Exception):
    """The reply is over the limit (both in bytes), and was left where it was made."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the reply has {size} bytes; the limit is {limit} (FAIRWAY_BODY_LIMIT)")


class HandlerFailed(Exception):
    """What a handler raised in another process, as words: its own type may not exist here."""

    def __init__(self, name: str, detail: str, traceback: str) -> None:
        super().__init__(detail)
        self.name, self.detail, self.traceback = name, detail, traceback

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The words for `error`."""
        problem = Problem.of(error)
        return cls(problem.type, problem.detail, problem.traceback or "")


class Executor(Protocol):
    """One kind of place for handlers to run, with a fixed number of slots.

    The worker never runs more than `slots` jobs at once here.
    """

    @property
    def slots(self) -> int: ...

    async def start(self) -> None:
        """Make ready (start hooks of children included) before the first job."""

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:
        """Run the handler once and return its reply as JSON.

        `timeout` in seconds. Raises what the handler raised (from a child: `HandlerFailed`, or
        `Reject`), `TimedOut`, `ChildDied`, or `ReplyTooLarge`. Being cancelled stops the handler where that is
        possible: a coroutine is cancelled, a child is killed; a thread can't be stopped.
        """
        ...

    async def close(self) -> None:
        """Let go of threads and children; children end with it."""
