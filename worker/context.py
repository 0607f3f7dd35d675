"""What a handler may ask about the job it works on, and of the worker that runs it:

    @handles(Report)
    def report(job: Report) -> str:
        context = current()
        return context.submit(Notify(report=context.id))

The context lies in the one variable that log lines are bound from, so a job costs one `set`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from shared.envelope import Envelope
from shared.job import Job
from shared.log import current_attempt

# Hands a further job on, to the given queue (None: the job type's own) with tags, and returns its id.
Submitter = Callable[[Job[Any], str | None, tuple[str, ...]], Awaitable[str]]
BlockingSubmitter = Callable[[Job[Any], str | None, tuple[str, ...]], str]


class Context:
    """The job at hand: its id, type, queue, attempt, time of making and tags.

    Of the two ways to submit, a handler has the one that fits where it runs.
    """

    __slots__ = ("_envelope", "_stopped", "_submit", "_submit_blocking", "worker")

    def __init__(
        self, envelope: Envelope, worker: str, *, submit: Submitter | None = None, submit_blocking: BlockingSubmitter | None = None
    ) -> None:
        self.worker = worker
        self._envelope, self._submit, self._submit_blocking = envelope, submit, submit_blocking
        self._stopped = False

    @property
    def id(self) -> str:
        """The job's id, the same over all attempts: an idempotency key for effects elsewhere."""
        return self._envelope.id

    @property
    def type(self) -> str:
        return self._envelope.type

    @property
    def queue(self) -> str:
        return self._envelope.queue

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return self._envelope.attempt

    @property
    def created(self) -> int:
        """When the job was submitted, in milliseconds since 1970."""
        return self._envelope.created

    @property
    def tags(self) -> tuple[str, ...]:
        return self._envelope.tags

    @property
    def cancelled(self) -> bool:
        """Whether the worker has asked the handler to stop: it is over its time limit, or the worker leaves.

        For threads to look at now and then, for nothing else can stop one; a coroutine is sent a
        `CancelledError`, and a child process is killed.
        """
        return self._stopped

    def stop(self) -> None:
        """Ask the handler to stop. For executors."""
        self._stopped = True

    def submit(self, job: Job[Any], *, queue: str | None = None, tags: Iterable[str] = ()) -> str:
        """Submit a further job and wait until the broker has it; its id is returned.

        For handlers in threads and child processes. Raises `BrokerDown`, `NotAccepted`,
        `OutcomeUnknown` or `TooLarge`, and `RuntimeError` on the loop, which must not block.
        """
        if self._submit_blocking is None:
            raise RuntimeError("this handler runs on the loop, which must not block: `await context.asubmit(...)`")
        return self._submit_blocking(job, queue, tuple(tags))

    async def asubmit(self, job: Job[Any], *, queue: str | None = None, tags: Iterable[str] = ()) -> str:
        """`submit` for coroutines. Raises `RuntimeError` where the handler is none."""
        if self._submit is None:
            raise RuntimeError("this handler doesn't run on the loop: `context.submit(...)`")
        return await self._submit(job, queue, tuple(tags))


def current() -> Context:
    """The context of the job at hand. Raises `LookupError` outside of a handler.

    A thread that a handler starts itself has it only if it runs in a copy of the handler's
    `contextvars` context.
    """
    match current_attempt.get():
        case Context() as context:
            return context
        case _:
            raise LookupError("no job runs here: `current()` is for handlers")
