"""Handlers for the tests of executors: each behaviour as a plain function, and as a coroutine where it matters.

`handler(behaviour, run)` finds the fitting one; child processes find it by its name in this module.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, cast

import structlog

from shared.errors import BrokerDown, OutcomeUnknown, Reject
from shared.job import Job
from tests.support.until import until
from worker.context import current
from worker.handler import MARK, Handler, Run, handles

log = structlog.get_logger()
colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")
entered = threading.Event()
let_go = threading.Event()  # for the slow ones, on the loop and in threads


class Echo(Job[str], name="test.echo"):
    text: str


class Fail(Job[None], name="test.fail"):
    reason: str


class Refuse(Job[None], name="test.refuse"):
    reason: str


class Leave(Job[None], name="test.leave"):
    """Raise what ends a program, or a task."""

    error: str


class Misfit(Job[str], name="test.misfit"):
    """Return what the reply's type can't carry."""


class Wait(Job[str], name="test.wait"):
    """Wait for ever, or until told to stop; `started` is written first, and `stopped` at the end."""

    started: Path


class Meet(Job[int], name="test.meet"):
    """Return once `guests` jobs are in `place` at the same time."""

    place: Path
    name: str
    guests: int


class WhoAmI(Job[dict[str, Any]], name="test.who-am-i"):
    pass


class Say(Job[None], name="test.say"):
    text: str


class Further(Job[str], name="test.further"):
    text: str
    queue: str | None = None
    tags: tuple[str, ...] = ()


def handler(behaviour: str, run: Run) -> Handler:
    """The handler of this behaviour for executors of this kind."""
    found: Handler = getattr(globals()[f"{behaviour}_on_loop" if run is Run.LOOP else behaviour], MARK)
    return found


@handles(Echo, run=Run.PROCESS)
def echo(job: Echo) -> str:
    return job.text


@handles(Echo)
async def echo_on_loop(job: Echo) -> str:
    await asyncio.sleep(0)
    return job.text


@handles(Fail, run=Run.PROCESS)
def fail(job: Fail) -> None:
    raise ValueError(job.reason)


@handles(Fail)
async def fail_on_loop(job: Fail) -> None:
    fail(job)


@handles(Refuse, run=Run.PROCESS)
def refuse(job: Refuse) -> None:
    raise Reject(job.reason)


@handles(Refuse)
async def refuse_on_loop(job: Refuse) -> None:
    refuse(job)


ERRORS = {
    kind.__name__: kind for kind in (SystemExit, asyncio.CancelledError, TimeoutError, EOFError, StopIteration, MemoryError, RecursionError)
}


@handles(Leave, run=Run.PROCESS)
def leave(job: Leave) -> None:
    raise ERRORS[job.error]("by itself")


@handles(Leave)
async def leave_on_loop(job: Leave) -> None:
    raise ERRORS[job.error]("by itself")


@handles(Misfit, run=Run.PROCESS)
def misfit(_job: Misfit) -> str:
    return cast("str", object())


@handles(Misfit)
async def misfit_on_loop(job: Misfit) -> str:
    return misfit(job)


@handles(Wait, run=Run.PROCESS)
def wait(job: Wait) -> str:
    job.started.write_text(str(os.getpid()))
    while not current().cancelled:
        time.sleep(0.002)
    job.started.with_suffix(".stopped").touch()
    return "stopped"


@handles(Wait)
async def wait_on_loop(job: Wait) -> str:
    job.started.write_text(str(os.getpid()))
    try:
        await asyncio.Event().wait()
    finally:
        job.started.with_suffix(".stopped").touch()
    return "never"


@handles(Meet, run=Run.PROCESS)
def meet(job: Meet) -> int:
    (job.place / job.name).touch()
    while len(list(job.place.iterdir())) < job.guests:
        time.sleep(0.002)
    return os.getpid()


@handles(Meet)
async def meet_on_loop(job: Meet) -> int:
    (job.place / job.name).touch()
    await until(lambda: len(list(job.place.iterdir())) >= job.guests)
    return os.getpid()


@handles(WhoAmI, run=Run.PROCESS)
def who_am_i(_job: WhoAmI) -> dict[str, Any]:
    context = current()
    names = ("id", "type", "queue", "attempt", "created", "tags", "worker", "cancelled")
    return {name: getattr(context, name) for name in names}


@handles(WhoAmI)
async def who_am_i_on_loop(job: WhoAmI) -> dict[str, Any]:
    return who_am_i(job)


@handles(Say, run=Run.PROCESS)
def say(job: Say) -> None:
    print(job.text)  # noqa: T201 - a handler's own line
    log.info("test.said", text=job.text)
    logging.getLogger("some.library").warning("test.warned")


@handles(Say)
async def say_on_loop(job: Say) -> None:
    say(job)


@handles(Further, run=Run.PROCESS)
def further(job: Further) -> str:
    try:
        return current().submit(Echo(text=job.text), queue=job.queue, tags=job.tags)
    except BrokerDown as error:
        return f"down: {error}"
    except OutcomeUnknown as error:
        return f"unknown {error.id}: {error}"


@handles(Further)
async def further_on_loop(job: Further) -> str:
    try:
        return await current().asubmit(Echo(text=job.text), queue=job.queue, tags=job.tags)
    except BrokerDown as error:
        return f"down: {error}"
    except OutcomeUnknown as error:
        return f"unknown {error.id}: {error}"


@handles(Echo)
def colour_of(_job: Echo) -> str:
    return colour.get()


@handles(Echo)
def thread_name(_job: Echo) -> str:
    return threading.current_thread().name


@handles(Echo)
def stuck(job: Echo) -> str:
    entered.set()
    let_go.wait()
    return job.text


@handles(Echo)
async def submit_on_loop(job: Echo) -> str:
    return current().submit(job)


@handles(Echo)
async def stubborn_on_loop(_job: Echo) -> str:
    """Swallow a cancellation."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "swallowed"
    return "never"


@handles(Echo)
async def bitter_on_loop(_job: Echo) -> str:
    """Answer a cancellation with an error."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ValueError("while cleaning up") from None
    return "never"


@handles(Echo)
async def slow_to_leave_on_loop(_job: Echo) -> str:
    """Take its time over a cancellation."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await until(let_go.is_set)
        raise
    return "never"


@handles(Echo)
async def inner_cancelled_on_loop(_job: Echo) -> str:
    """Await a task that was cancelled: nobody cancelled the job."""
    inner = asyncio.ensure_future(asyncio.sleep(60, "never"))
    asyncio.get_running_loop().call_soon(inner.cancel)
    return await inner
