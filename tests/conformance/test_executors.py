"""What every executor promises, asked of all three: on the loop, in threads, in child processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.envelope import Envelope
from shared.errors import BrokerDown, OutcomeUnknown, Problem, Reject
from shared.job import Job
from shared.link.loop import new_event_loop
from shared.log import configure
from shared.settings import Settings
from tests.support import handlers
from tests.support.handlers import Echo, handler
from tests.support.until import until
from worker.children import ProcessExecutor
from worker.context import current
from worker.executor import Executor, TimedOut
from worker.executors import LoopExecutor, ThreadExecutor
from worker.handler import Run
from worker.outcome import judge

SLOTS = 3
LONG = 30.0  # seconds: nothing here takes them


@dataclass
class Place:
    """An executor under test, and what its handlers submit."""

    run: Run
    executor: Executor
    submitted: list[tuple[Job[Any], str | None, tuple[str, ...]]] = field(default_factory=list)
    trouble: Exception | None = None

    async def do(self, behaviour: str, timeout: float = LONG, **args: object) -> Any:
        """The reply of one job."""
        found = handler(behaviour, self.run)
        body = found.job(**args).model_dump_json().encode()
        envelope = Envelope("id-1", found.name, found.queue, body, 1_700_000_000_000, attempt=2, tags=("red", "blue"))
        # In a task of its own, as in the worker: what `run` binds must not outlive the job.
        return json.loads(await asyncio.create_task(self.executor.run(found, envelope, timeout)))

    async def problem(self, behaviour: str, **args: str) -> Problem:
        """What is wrong in the end with a job that fails."""
        with pytest.raises(Exception) as raised:  # noqa: PT011 - judged below
            await self.do(behaviour, LONG, **args)
        return judge(raised.value).problem

    async def submit(self, job: Job[Any], queue: str | None, tags: tuple[str, ...]) -> str:
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        self.submitted.append((job, queue, tags))
        return f"further-{len(self.submitted)}"


MAKE: dict[Run, Callable[[Any], Executor]] = {
    Run.LOOP: lambda submit: LoopExecutor(SLOTS, "worker-1", submit),
    Run.THREAD: lambda submit: ThreadExecutor(SLOTS, "worker-1", submit),
    Run.PROCESS: lambda submit: ProcessExecutor(SLOTS, "worker-1", submit, Settings.load(log="json"), [handlers.__name__]),
}


@asynccontextmanager
async def placed(run: Run) -> AsyncGenerator[Place]:
    async def submit(job: Job[Any], queue: str | None, tags: tuple[str, ...]) -> str:
        return await made.submit(job, queue, tags)

    made = Place(run, MAKE[run](submit))
    await made.executor.start()
    try:
        yield made
    finally:
        await made.executor.close()


@pytest.fixture(params=Run, ids=lambda run: run.value)
async def place(request: pytest.FixtureRequest) -> AsyncGenerator[Place]:
    async with placed(request.param) as made:
        yield made


async def test_slots_are_told(place: Place) -> None:
    assert place.executor.slots == SLOTS


async def test_bytes_in_bytes_out(place: Place) -> None:
    assert await place.do("echo", text="größer") == "größer"


async def test_a_large_job_and_a_large_reply(place: Place) -> None:
    text = "0123456789" * 90_000
    assert await place.do("echo", text=text) == text


async def test_arguments_that_do_not_fit_are_rejected_naming_the_field(place: Place) -> None:
    envelope = Envelope("id-1", "test.echo", "default", b'{"text":7}', 0)
    with pytest.raises(Reject, match=r"arguments do not fit test\.echo: text: "):
        await asyncio.create_task(place.executor.run(handler("echo", place.run), envelope, LONG))


async def test_what_a_handler_raises_is_told_with_its_traceback(place: Place) -> None:
    problem = await place.problem("fail", reason="no such page")
    assert (problem.type, problem.title, problem.detail) == ("ValueError", "The handler raised ValueError.", "no such page")
    assert problem.traceback is not None
    assert "raise ValueError(job.reason)" in problem.traceback


async def test_reject_is_told_apart(place: Place) -> None:
    with pytest.raises(Reject, match="not ever"):
        await place.do("refuse", reason="not ever")


async def test_an_error_that_means_something_to_the_loop_is_the_handlers_own(place: Place) -> None:
    for error in handlers.ERRORS:
        problem = await place.problem("leave", error=error)
        # Python itself makes a RuntimeError of a StopIteration that leaves a coroutine.
        assert problem.type == ("RuntimeError" if (error, place.run) == ("StopIteration", Run.LOOP) else error)
    assert await place.do("echo", text="next") == "next"


async def test_a_reply_that_does_not_serialise_is_the_handlers_failure(place: Place) -> None:
    assert (await place.problem("misfit")).type == "PydanticSerializationError"
    assert await place.do("echo", text="next") == "next"


async def test_over_its_time_limit_a_handler_is_stopped(place: Place, tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match=r"time limit of 0\.5 s"):
        await place.do("wait", 0.5, started=tmp_path / "started")
    assert (tmp_path / "started.stopped").exists() == (place.run is not Run.PROCESS)  # a killed child says nothing
    assert await place.do("echo", text="next") == "next"


async def test_cancelled_from_outside_it_says_so(place: Place, tmp_path: Path) -> None:
    started = tmp_path / "started"
    running = asyncio.create_task(place.do("wait", started=started))
    await until(started.exists)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    if place.run is not Run.PROCESS:
        await until(started.with_suffix(".stopped").exists)
    assert await place.do("echo", text="next") == "next"


async def test_a_handler_knows_its_job(place: Place) -> None:
    assert await place.do("who_am_i") == {
        "id": "id-1",
        "type": "test.who-am-i",
        "queue": "default",
        "attempt": 2,
        "created": 1_700_000_000_000,
        "tags": ["red", "blue"],
        "worker": "worker-1",
        "cancelled": False,
    }


def test_outside_of_a_handler_there_is_no_context() -> None:
    with pytest.raises(LookupError, match="no job runs here"):
        current()


async def test_as_many_run_at_once_as_there_are_slots(place: Place, tmp_path: Path) -> None:
    jobs = [place.do("meet", place=tmp_path, name=str(number), guests=SLOTS) for number in range(SLOTS)]
    pids = await asyncio.gather(*jobs)
    assert len(set(pids)) == (SLOTS if place.run is Run.PROCESS else 1)


async def test_a_handler_submits_a_further_job(place: Place) -> None:
    assert await place.do("further", text="more", queue="other", tags=["green"]) == "further-1"
    assert await place.do("further", text="and more") == "further-2"
    assert place.submitted == [(Echo(text="more"), "other", ("green",)), (Echo(text="and more"), None, ())]


async def test_a_handler_hears_why_a_further_job_was_not_accepted(place: Place) -> None:
    place.trouble = BrokerDown("away for lunch")
    assert await place.do("further", text="more") == "down: away for lunch"
    place.trouble = OutcomeUnknown("no confirm came", "id-7")
    assert await place.do("further", text="more") == "unknown id-7: no confirm came; job id-7 may or may not have been accepted"
    place.trouble = ValueError("queue: no such name")
    assert (await place.problem("further", text="more")).detail == "queue: no such name"


@pytest.mark.parametrize("run", Run, ids=lambda run: run.value)
async def test_log_lines_carry_the_job(capfd: pytest.CaptureFixture[str], run: Run) -> None:
    configure("json", "info")
    structlog.configure(cache_logger_on_first_use=False)  # or loggers would keep the captured output
    try:
        async with placed(run) as place:  # here, so that a child inherits the captured output
            await place.do("say", text="hello")
    finally:
        structlog.reset_defaults()
    out = capfd.readouterr().out.splitlines()
    assert "hello" in out  # a handler's print goes through as it is
    lines = {line["event"]: line for line in map(json.loads, (text for text in out if text.startswith("{")))}
    for event in ("test.said", "test.warned"):
        bound = {name: lines[event][name] for name in ("job", "type", "attempt", "worker")}
        assert bound == {"job": "id-1", "type": "test.say", "attempt": 2, "worker": "worker-1"}


@pytest.mark.parametrize("run", Run, ids=lambda run: run.value)
def test_the_same_on_the_workers_own_loop(run: Run, tmp_path: Path) -> None:
    async def checks() -> None:
        async with placed(run) as place:
            await test_a_large_job_and_a_large_reply(place)
            await test_a_handler_submits_a_further_job(place)
            await test_over_its_time_limit_a_handler_is_stopped(place, tmp_path)
            await test_what_a_handler_raises_is_told_with_its_traceback(place)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:  # uvloop, where the tests above have asyncio's
        runner.run(checks())
