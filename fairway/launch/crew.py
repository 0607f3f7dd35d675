"""The processes of one `fairway up` together: workers stop before the web tier, so that their last replies are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from fairway.launch.broker import Say
from fairway.launch.child import Child, Program
from fairway.launch.signals import Stop

COLD_LIMIT = 5.0


class Crew:
    """Children in the order in which they are stopped, each group at once."""

    def __init__(self, groups: Sequence[Sequence[Program]], run: Path, say: Say) -> None:
        run.mkdir(parents=True, exist_ok=True)
        self._say = say
        self._groups = [[Child(program, run, say) for program in group] for group in groups]
        self._tasks: dict[Child, asyncio.Task[None]] = {}

    def start(self) -> None:
        for group in self._groups:
            for child in group:
                self._tasks[child] = asyncio.create_task(child.keep(), name=child.program.name)

    async def failure(self) -> None:
        """Wait for a child that can't be kept running, and raise its error; else for ever."""
        done, _ = await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self, stop: Stop, grace: float) -> None:
        """Stop all: warm for at most `grace` seconds, or until `stop` turns cold; then cold."""
        for group in self._groups:
            await self._stop_group(group, stop, grace)

    async def _stop_group(self, group: Sequence[Child], stop: Stop, grace: float) -> None:
        ends = [asyncio.create_task(self._ended(child)) for child in group]
        for child in group:
            child.stop()
        if not await _all(ends, grace, stop.cold):
            self._say("stopping at once: what still runs is handed back to the queue")
            for child in group:
                child.stop()
            await _all(ends, COLD_LIMIT, asyncio.Event())
        for child in group:
            child.kill()
        await asyncio.wait(ends)

    async def _ended(self, child: Child) -> None:
        await asyncio.gather(self._tasks[child], return_exceptions=True)
        self._say(f"{child.program.name} stopped")


async def _all(ends: Iterable[asyncio.Task[None]], seconds: float, unless: asyncio.Event) -> bool:
    """Wait until all of `ends` are done, the seconds are over, or `unless` happens. True where all are done."""
    everything = asyncio.create_task(asyncio.wait(ends))
    otherwise = asyncio.create_task(unless.wait())
    await asyncio.wait([everything, otherwise], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    otherwise.cancel()
    everything.cancel()
    return everything.done()
