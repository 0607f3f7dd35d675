"""The handlers of `tests.support.jobs`, all on the loop."""

from __future__ import annotations

import asyncio
import contextvars
import time
from pathlib import Path

from tests.support.jobs import Big, Block, Boom, Brief, Echo, Fall, Hold, Note, Side, Stain
from worker.context import current
from worker.handler import handles

PAUSE = 0.005
colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def note(place: Path) -> str:
    """One line for each run: id, attempt, worker."""
    context = current()
    with (place / "runs").open("a") as runs:
        runs.write(f"{context.id} {context.attempt} {context.worker}\n")
    return context.id


@handles(Echo)
async def echo(job: Echo) -> str:
    return job.text


@handles(Note)
async def just_note(job: Note) -> str:
    return note(job.place)


@handles(Side)
async def side(job: Side) -> str:
    return note(job.place)


@handles(Hold, timeout=120)
async def hold(job: Hold) -> str:
    id = note(job.place)
    while not (job.place / "release").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(PAUSE)
    return id


@handles(Fall, timeout=120)
async def fall(job: Fall) -> str:
    raise ValueError(await hold(Hold(place=job.place)))


@handles(Block)
async def block(job: Block) -> str:
    id = note(job.place)
    time.sleep(job.seconds)  # noqa: ASYNC251 - that it must not is the point
    return id


@handles(Brief)
async def brief(job: Brief) -> str:
    id = note(job.place)
    await asyncio.sleep(job.seconds)
    return id


@handles(Boom)
async def boom(_: Boom) -> None:
    raise ValueError("odd")


@handles(Big)
async def big(job: Big) -> str:
    return "x" * job.size


@handles(Stain)
async def stain(job: Stain) -> str:
    before = colour.get()
    colour.set(job.colour)
    return before
