"""RabbitMQ that `fairway up` started is started again when it ends before it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fairway.launch.broker import Say, Server
from shared.errors import FairwayError

LOOK_EVERY = 2.0  # seconds


@asynccontextmanager
async def guarded(server: Server, say: Say, look_every: float = LOOK_EVERY) -> AsyncGenerator[None]:
    """Keep the started `server` running for as long as the block lasts, then stop it."""
    ending = asyncio.Event()
    guard = asyncio.create_task(_guard(server, ending, say, look_every))
    try:
        yield
    finally:
        ending.set()
        await guard  # a start that is under way comes to its end first, or it would outlive the stop
        say("stopping RabbitMQ")
        await asyncio.to_thread(server.stop)


async def _guard(server: Server, ending: asyncio.Event, say: Say, look_every: float) -> None:
    while not ending.is_set():
        if await asyncio.to_thread(server.running) is None:
            say("RabbitMQ ended unexpectedly; starting it again")
            try:
                await asyncio.to_thread(server.start)
            except (FairwayError, OSError) as error:  # or the guard would end, and nobody stop what runs
                say(f"RabbitMQ does not start: {error}")
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), look_every)
