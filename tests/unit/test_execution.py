"""One attempt: the right executor, the right time limit, and an outcome whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.envelope import Envelope
from shared.errors import Reject
from shared.job import Job
from tests.support.deliveries import an_envelope
from worker.execution import Execution
from worker.executor import Executor
from worker.handler import Handler, Run
from worker.outcome import Dead, Done, GivenBack
from worker.registry import Registry


class Quick(Job[None], name="test.quick"):
    pass


class Slow(Job[None], name="test.slow", queue="slow"):
    pass


class Scripted:
    """An executor that does as a test says."""

    slots = 1

    def __init__(self, act: Callable[[], Awaitable[bytes]]) -> None:
        self.act, self.seen = act, list[tuple[str, float]]()

    async def start(self) -> None:
        """Nothing to make ready."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:  # noqa: ARG002 - as the port says
        self.seen.append((handler.name, timeout))
        return await self.act()


async def nothing() -> bytes:
    return b"null"


def execution(loop: Scripted, thread: Scripted | None = None) -> Execution:
    registry = Registry([Handler(Quick, lambda _: None, Run.LOOP, None), Handler(Slow, lambda _: None, Run.THREAD, 7.5)])
    executors: dict[Run, Executor] = {Run.LOOP: loop}
    if thread is not None:
        executors[Run.THREAD] = thread
    return Execution(registry, executors, timeout=60.0, reply_limit=8)


async def test_a_handler_runs_where_it_belongs_with_its_own_time_limit_or_the_workers() -> None:
    loop, thread = Scripted(nothing), Scripted(nothing)
    both = execution(loop, thread)
    assert await both.attempt(an_envelope(type="test.quick")) == Done(b"null")
    assert await both.attempt(an_envelope(type="test.slow")) == Done(b"null")
    assert (loop.seen, thread.seen) == ([("test.quick", 60.0)], [("test.slow", 7.5)])


@pytest.mark.parametrize("type", ["no.such", "test.slow"])
async def test_a_type_that_nobody_here_handles_is_dead_as_unknown(type: str) -> None:
    """`test.slow` is known, but this worker has no threads: it was told to take from other queues."""
    outcome = await execution(Scripted(nothing)).attempt(an_envelope(type=type))
    assert isinstance(outcome, Dead)
    assert outcome.problem.type == "unknown_type"


@pytest.mark.parametrize(("error", "type"), [(ValueError("odd"), "ValueError"), (Reject("never"), "rejected")])
async def test_what_is_raised_is_the_jobs_end(error: Exception, type: str) -> None:
    async def fail() -> bytes:
        raise error

    outcome = await execution(Scripted(fail)).attempt(an_envelope(type="test.quick"))
    assert isinstance(outcome, Dead)
    assert outcome.problem.type == type


async def test_a_reply_over_the_limit_is_dead() -> None:
    async def much() -> bytes:
        return b'"12345678"'

    outcome = await execution(Scripted(much)).attempt(an_envelope(type="test.quick"))
    assert isinstance(outcome, Dead)
    assert outcome.problem.type == "reply_too_large"


async def test_being_cancelled_gives_the_job_back() -> None:
    started = asyncio.Event()

    async def wait() -> bytes:
        started.set()
        await asyncio.Event().wait()
        return b""

    attempt = asyncio.create_task(execution(Scripted(wait)).attempt(an_envelope(type="test.quick")))
    await started.wait()
    attempt.cancel()
    assert await attempt == GivenBack()
