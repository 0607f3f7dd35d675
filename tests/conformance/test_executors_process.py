"""What only child processes do: they crash, are killed and replaced, end with their parent, and leak nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.envelope import Envelope
from shared.job import Job
from shared.settings import Settings
from tests.support import hooked
from tests.support.acts import Do, do
from tests.support.handlers import Wait, handler
from tests.support.hooked import Greet, greet
from tests.support.processes import children, oom_score, open_files, running
from tests.support.until import until
from worker.children import ProcessExecutor
from worker.executor import ChildDied, HandlerFailed, ReplyTooLarge, TimedOut
from worker.handler import MARK, Handler, Run

LONG = 30.0  # seconds: nothing here takes them


async def nothing(*_: object) -> str:
    raise NotImplementedError


def made(slots: int = 2, modules: Iterable[str] = ()) -> ProcessExecutor:
    return ProcessExecutor(slots, "worker-1", nothing, Settings.load(log="json", body_limit=4096), modules)


@pytest.fixture
async def executor() -> AsyncIterator[ProcessExecutor]:
    executor = made()
    yield executor
    await executor.close()


async def run(executor: ProcessExecutor, handler: Handler, job: Job[Any], timeout: float = LONG) -> Any:
    return json.loads(await executor.run(handler, Envelope("id-1", handler.name, "q", job.model_dump_json().encode(), 0), timeout))


async def wait(executor: ProcessExecutor, started: Path, timeout: float = LONG) -> Any:
    return await run(executor, handler("wait", Run.PROCESS), Wait(started=started), timeout)


async def act(executor: ProcessExecutor, name: str, timeout: float = LONG, path: Path | None = None) -> Any:
    return await run(executor, getattr(do, MARK), Do(act=name, path=path), timeout)


def written(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and bool(path.read_text())


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("exit", r"child process \d+ exited with code 3"),
        ("segfault", r"child process \d+ was killed by signal 11 \(SIGSEGV\)"),
        ("be killed", r"child process \d+ was killed by signal 9 \(SIGKILL; was there too little memory\?\)"),
    ],
)
async def test_a_child_that_dies_is_told_in_words_and_replaced(executor: ProcessExecutor, end: str, words: str) -> None:
    before = await act(executor, "pid")
    with capture_logs() as logs, pytest.raises(ChildDied, match=f"^{words}$"):
        await act(executor, end)
    assert [line["event"] for line in logs] == ["child.died"]
    after = await act(executor, "pid")
    assert after != before
    assert not running(before)


async def test_sys_exit_is_an_error_of_the_handler_and_the_child_goes_on(executor: ProcessExecutor) -> None:
    before = await act(executor, "pid")
    with pytest.raises(HandlerFailed, match="4") as raised:
        await act(executor, "sys.exit")
    assert raised.value.name == "SystemExit"
    assert await act(executor, "pid") == before


async def test_a_child_is_kept_warm(executor: ProcessExecutor) -> None:
    assert len({await act(executor, "pid") for _ in range(5)}) == 1


async def test_a_child_that_dies_at_rest_costs_no_job(executor: ProcessExecutor) -> None:
    pid = await act(executor, "pid")
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not running(pid))
    assert await act(executor, "pid") != pid


async def test_over_its_time_limit_a_child_is_killed_even_in_c_code_that_keeps_the_gil(executor: ProcessExecutor, tmp_path: Path) -> None:
    await act(executor, "pid")  # a new child's start is not the job's time, but this test's
    with capture_logs() as logs, pytest.raises(TimedOut):
        await act(executor, "keep the gil", 0.2, tmp_path / "pid")
    assert [(line["event"], line["why"]) for line in logs] == [("child.killed", "timeout")]
    assert not running(int((tmp_path / "pid").read_text()))


async def test_a_cancelled_jobs_child_is_gone_when_the_cancellation_comes_out(executor: ProcessExecutor, tmp_path: Path) -> None:
    job = asyncio.create_task(act(executor, "keep the gil", path=tmp_path / "pid"))
    await until(written(tmp_path / "pid"))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not running(int((tmp_path / "pid").read_text()))


async def test_cancelled_while_its_child_starts_nothing_stays() -> None:
    executor, before = made(), children(os.getpid())
    job = asyncio.create_task(act(executor, "pid"))
    await until(lambda: children(os.getpid()) > before)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert children(os.getpid()) == before


async def test_the_death_of_one_shows_while_a_later_one_lives(executor: ProcessExecutor, tmp_path: Path) -> None:
    first = asyncio.create_task(wait(executor, tmp_path / "first"))
    await until(written(tmp_path / "first"))
    second = asyncio.create_task(wait(executor, tmp_path / "second"))
    await until(written(tmp_path / "second"))
    os.kill(int((tmp_path / "first").read_text()), signal.SIGKILL)
    with pytest.raises(ChildDied, match="signal 9"):
        async with asyncio.timeout(5):
            await first
    assert running(int((tmp_path / "second").read_text()))
    second.cancel()


async def test_a_child_holds_its_own_pipe_and_no_other(executor: ProcessExecutor, tmp_path: Path) -> None:
    job = asyncio.create_task(wait(executor, tmp_path / "first"))
    await until(written(tmp_path / "first"))
    assert len(await act(executor, "sockets")) == 1
    job.cancel()


async def test_grandchildren_keep_no_pipe_open_and_end_with_their_child(executor: ProcessExecutor, tmp_path: Path) -> None:
    with pytest.raises(ChildDied, match="code 0"):
        async with asyncio.timeout(5):
            await act(executor, "grandchildren", path=tmp_path / "pids")
    forked, started = map(int, (tmp_path / "pids").read_text().split())
    await until(lambda: not running(forked) and not running(started))


async def test_signals_are_the_parents_business(executor: ProcessExecutor) -> None:
    assert await act(executor, "signalled") == "still here"
    assert await act(executor, "group") != os.getpgid(0)  # Ctrl-C in a terminal goes to the worker's group
    assert await act(executor, "terminate") == -signal.SIGTERM  # what a handler starts can be terminated


async def test_memory_is_taken_from_the_child_first(executor: ProcessExecutor) -> None:
    assert await act(executor, "oom_score") > oom_score(os.getpid())


async def test_a_reply_over_the_limit_stays_in_the_child(executor: ProcessExecutor) -> None:
    with pytest.raises(ReplyTooLarge, match=r"the reply has 5002 bytes; the limit is 4096 \(FAIRWAY_BODY_LIMIT\)"):
        await act(executor, "too much")


async def test_hooks_run_in_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKED_FILE", str(tmp_path / "words"))
    executor = made(modules=[hooked.__name__])
    await executor.start()
    words = (tmp_path / "words").read_text().splitlines
    assert words() == ["open first", "open second"]
    assert await run(executor, getattr(greet, MARK), Greet()) == "hello"
    await executor.close()
    words = (tmp_path / "words").read_text().splitlines
    assert words() == ["open first", "open second", "greet", "close first", "close last"]


@pytest.mark.parametrize(
    ("module", "words"),
    [("tests.support.unstartable", "RuntimeError: no model here"), ("tests.support.nowhere", "ModuleNotFoundError: No module named")],
)
async def test_what_keeps_a_child_from_starting_keeps_the_worker_from_starting(module: str, words: str) -> None:
    before = children(os.getpid())
    with pytest.raises(ChildDied, match=words):
        await made(modules=[module]).start()
    assert children(os.getpid()) == before


async def test_all_end_when_the_executor_closes(tmp_path: Path) -> None:
    executor, before = made(), children(os.getpid())
    busy = asyncio.create_task(wait(executor, tmp_path / "started"))
    await until(written(tmp_path / "started"))
    await act(executor, "pid")
    assert len(children(os.getpid()) - before) == 2
    await executor.close()
    assert children(os.getpid()) == before
    with pytest.raises(ChildDied):
        await busy


def test_killed_the_parent_takes_its_children_along(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.busy_worker", str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as parent:
        asyncio.run(until(lambda: written(tmp_path / "python")() and written(tmp_path / "c")()))
        pids = children(parent.pid)
        assert len(pids) == 3
        parent.kill()
    killed = time.monotonic()
    asyncio.run(until(lambda: not any(map(running, pids)), 2.0))
    assert time.monotonic() - killed < 2.0


@pytest.mark.timeout(120)
async def test_fifty_kills_leak_nothing(executor: ProcessExecutor, tmp_path: Path) -> None:
    await act(executor, "pid")
    files, processes = open_files(), children(os.getpid())

    async def one(number: int) -> None:
        with pytest.raises((TimedOut, ChildDied)):
            await (act(executor, "be killed") if number % 2 else wait(executor, tmp_path / str(number), 0.01))

    for number in range(0, 50, 2):
        await asyncio.gather(one(number), one(number + 1))
    await act(executor, "pid")
    assert open_files() == files
    assert len(children(os.getpid())) == len(processes)
