"""The loop's executor: who cancelled a coroutine, and what its time limit costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.envelope import Envelope
from tests.support import handlers
from tests.support.until import until
from worker import sweep
from worker.context import current
from worker.executor import HandlerFailed, TimedOut
from worker.executors import LoopExecutor
from worker.handler import MARK

LONG = 30.0  # seconds: nothing here takes them
SHORT = 0.02


async def submit(*_: object) -> str:
    return "id-2"


@pytest.fixture
async def executor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopExecutor]:
    monkeypatch.setattr(sweep, "EVERY", 0.01)
    monkeypatch.setattr(sweep, "STUCK_AFTER", 0.01)
    handlers.let_go.clear()
    executor = LoopExecutor(8, "worker-1", submit)
    yield executor
    handlers.let_go.set()
    await executor.close()


def begun(executor: LoopExecutor, function: Callable[..., Any], timeout: float) -> asyncio.Task[bytes]:
    handler = getattr(function, MARK)
    return asyncio.create_task(executor.run(handler, Envelope("id-1", handler.name, "q", b'{"text":"x"}', 0), timeout))


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("function", [handlers.stubborn_on_loop, handlers.bitter_on_loop], ids=lambda function: function.__name__)
async def test_over_time_is_timed_out_whatever_the_handler_makes_of_it(executor: LoopExecutor, function: Callable[..., Any]) -> None:
    job = begun(executor, function, SHORT)
    with pytest.raises(TimedOut):
        await job
    assert job.cancelling() == 0  # the worker's task goes on as if nobody had cancelled it


async def test_cancelled_from_outside_an_error_of_the_handler_is_no_failure(executor: LoopExecutor) -> None:
    job = begun(executor, handlers.bitter_on_loop, LONG)
    await turns()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_a_handler_that_ends_in_spite_of_a_cancellation_has_ended(executor: LoopExecutor) -> None:
    job = begun(executor, handlers.stubborn_on_loop, LONG)
    await turns()
    job.cancel()
    assert await job == b'"swallowed"'


async def test_a_cancellation_from_outside_wins_over_the_time_limit(executor: LoopExecutor) -> None:
    job = begun(executor, handlers.slow_to_leave_on_loop, SHORT)
    await until(lambda: job.cancelling() > 0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_a_cancellation_that_nobody_asked_for_is_the_handlers_failure(executor: LoopExecutor) -> None:
    with pytest.raises(HandlerFailed) as raised:
        await begun(executor, handlers.inner_cancelled_on_loop, LONG)
    assert raised.value.name == "CancelledError"


async def test_a_coroutine_that_stays_is_told_once_with_its_job(executor: LoopExecutor) -> None:
    with capture_logs() as logs:
        job = begun(executor, handlers.slow_to_leave_on_loop, SHORT)
        await until(lambda: bool(logs))
        swept = asyncio.Event()  # some sweeps later it is still one line
        asyncio.get_running_loop().call_later(5 * sweep.EVERY, swept.set)
        await swept.wait()
    assert [line["event"] for line in logs] == ["job.stuck"]
    handlers.let_go.set()
    with pytest.raises(TimedOut):
        await job


async def test_the_timer_runs_only_while_jobs_do(executor: LoopExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    armed: list[asyncio.TimerHandle] = []
    call_later = loop.call_later

    def counted(delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
        armed.append(call_later(delay, callback, *args))
        return armed[-1]

    monkeypatch.setattr(loop, "call_later", counted)
    await asyncio.gather(*(begun(executor, handlers.echo_on_loop, LONG) for _ in range(50)))
    assert len(armed) == 1  # one for fifty
    passed = asyncio.Event()
    loop.call_at(armed[0].when() + 3 * sweep.EVERY, passed.set)
    await passed.wait()
    assert len(armed) == 1  # and none after the last


async def test_a_coroutine_submits_with_await(executor: LoopExecutor) -> None:
    with pytest.raises(RuntimeError, match=r"await context\.asubmit"):
        await begun(executor, handlers.submit_on_loop, LONG)


async def test_lines_after_the_job_in_its_task_carry_it(executor: LoopExecutor) -> None:
    handler = getattr(handlers.echo_on_loop, MARK)

    async def life() -> str:
        await executor.run(handler, Envelope("id-1", handler.name, "q", b'{"text":"x"}', 0), LONG)
        return current().id

    assert await asyncio.create_task(life()) == "id-1"
