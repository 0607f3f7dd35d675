"""The threads' executor: a thread can't be stopped, and the slots stay honest about it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.envelope import Envelope
from tests.support import handlers
from tests.support.until import until
from worker.executor import TimedOut
from worker.executors import ThreadExecutor
from worker.handler import MARK

LONG = 30.0  # seconds: nothing here takes them


async def submit(*_: object) -> str:
    return "id-2"


@pytest.fixture
async def executor() -> AsyncIterator[ThreadExecutor]:
    handlers.entered.clear()
    handlers.let_go.clear()
    executor = ThreadExecutor(4, "worker-1", submit)
    yield executor
    handlers.let_go.set()
    await executor.close()


async def run(executor: ThreadExecutor, function: Callable[..., Any], timeout: float = LONG) -> bytes:
    handler = getattr(function, MARK)
    return await executor.run(handler, Envelope("id-1", handler.name, "q", b'{"text":"x"}', 0), timeout)


async def test_over_time_the_slot_is_kept_until_the_thread_ends(executor: ThreadExecutor) -> None:
    with capture_logs() as logs:
        job = asyncio.create_task(run(executor, handlers.stuck, 0.02))
        await until(lambda: bool(logs))
        assert not job.done()
        assert [line["event"] for line in logs] == ["job.stuck"]
        handlers.let_go.set()
        with pytest.raises(TimedOut):
            await job
    assert len(logs) == 1


async def test_cancelled_it_does_not_wait_for_the_thread(executor: ThreadExecutor) -> None:
    job = asyncio.create_task(run(executor, handlers.stuck))
    await asyncio.to_thread(handlers.entered.wait, 5)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not handlers.let_go.is_set()


async def test_a_thread_whose_job_was_cancelled_comes_back(executor: ThreadExecutor) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    job = asyncio.create_task(run(executor, handlers.stuck))
    await asyncio.to_thread(handlers.entered.wait, 5)
    job.cancel()
    free = {await run(executor, handlers.thread_name) for _ in range(5)}
    assert len(free) == 1  # the other is stuck
    handlers.let_go.set()
    names = [await run(executor, handlers.thread_name) for _ in range(1000)]
    assert len(set(names)) == 2  # it took turns with the other again
    assert not troubles


async def test_cancelled_before_its_thread_begins_a_job_never_begins(executor: ThreadExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Event()

    class Late(threading.Thread):
        def run(self) -> None:
            ready.wait()
            super().run()

    monkeypatch.setattr("worker.threads.threading.Thread", Late)
    job = asyncio.create_task(run(executor, handlers.stuck))
    await asyncio.sleep(0)
    job.cancel()
    await asyncio.wait([job])
    ready.set()
    await run(executor, handlers.thread_name)
    assert not handlers.entered.is_set()


async def test_threads_are_kept(executor: ThreadExecutor) -> None:
    assert {await run(executor, handlers.thread_name) for _ in range(20)} == {b'"handler-1"'}


async def test_a_thread_sees_the_context_of_its_job(executor: ThreadExecutor) -> None:
    handlers.colour.set("blue")
    assert await run(executor, handlers.colour_of) == b'"blue"'


def test_a_stuck_thread_does_not_keep_the_process_alive() -> None:
    program = """
        import asyncio
        from tests.support.handlers import entered, stuck
        from tests.unit.test_executors_thread import ThreadExecutor, run, submit

        async def main():
            executor = ThreadExecutor(1, "worker-1", submit)
            job = asyncio.create_task(run(executor, stuck))
            await asyncio.to_thread(entered.wait)
            job.cancel()
            await asyncio.wait([job])
            await executor.close()
            print("leaving")

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], timeout=20, capture_output=True, text=True, check=True)
    assert ended.stdout == "leaving\n"
