"""Handlers in child processes: one job at a time in each, so that a child can be killed or die without
harm to its siblings (a dead process breaks the whole of `concurrent.futures.ProcessPoolExecutor`).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from shared.envelope import Envelope
from shared.log import Logger, current_attempt
from shared.settings import Settings
from worker.childprocess import ChildProcess
from worker.context import Context, Submitter
from worker.conversation import ask, reply_of
from worker.executor import ChildDied, TimedOut
from worker.frames import Failed, Ready, Start
from worker.handler import Handler

STARTING = 120.0  # seconds for imports and start hooks, models included

log = Logger()


class ProcessExecutor:
    """Plain functions, each job in a warm child process. A child that is over its job's time limit, or
    whose job is cancelled, is killed; a new one takes its place with the next job.

    `modules` are imported by each child when it starts, and their start hooks run then; any other module
    with the first job of a handler in it, in that job's time.
    """

    def __init__(self, slots: int, worker: str, submit: Submitter, settings: Settings, modules: Iterable[str] = ()) -> None:
        self.slots = slots
        self._worker, self._submit = worker, submit
        self._start = Start(os.getpid(), sys.path, list(modules), worker, settings.log, settings.log_level, settings.body_limit)
        self._idle: list[ChildProcess] = []
        self._alive: set[ChildProcess] = set()

    async def start(self) -> None:
        """Start the first child. Raises `ChildDied` where a module or a start hook fails in it."""
        self._idle.append(await self._started())

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:
        """As the port says. The time that a new child takes to start is not the job's."""
        current_attempt.set(Context(envelope, self._worker))
        child = await self._idle_child()
        async with self._held(child, timeout):
            answer = await ask(child, handler, envelope, self._submit)
        self._idle.append(child)
        return reply_of(answer, self._start.limit)

    async def close(self) -> None:
        """End the children: those at rest run their stop hooks, the others are killed."""
        idle, self._idle = set(self._idle), []
        await asyncio.gather(*(child.end() if child in idle else child.kill() for child in self._alive))
        self._alive.clear()

    async def _idle_child(self) -> ChildProcess:
        while self._idle:
            child = self._idle.pop()  # the one used last is the warmest
            if not child.gone:
                return child
            log.warning("child.died", pid=child.pid, how=await self._kill(child))
        return await self._started()

    async def _started(self) -> ChildProcess:
        try:
            child = await ChildProcess.spawn()
        except OSError as error:
            raise ChildDied(f"no child process could be started: {error}") from error
        self._alive.add(child)
        try:
            async with self._held(child, STARTING):
                await child.send(self._start)
                first = await child.receive()
        except TimedOut:
            raise ChildDied(f"child process {child.pid} was not ready within {STARTING:g} s") from None
        if isinstance(first, Ready):
            log.info("child.started", pid=child.pid)
            return child
        await self._kill(child)
        why = f"{first.name}: {first.detail}\n{first.traceback}" if isinstance(first, Failed) else repr(first)
        raise ChildDied(f"child process {child.pid} could not start: {why}")

    @asynccontextmanager
    async def _held(self, child: ChildProcess, seconds: float) -> AsyncGenerator[None]:
        """Whatever ends this block before its time ends the child too."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            log.warning("child.killed", pid=child.pid, why="timeout")
            await self._kill(child)
            raise TimedOut(f"over its time limit of {seconds:g} s") from None
        except EOFError:
            how = await self._kill(child)
            log.warning("child.died", pid=child.pid, how=how)
            raise ChildDied(how) from None
        except BaseException:
            log.warning("child.killed", pid=child.pid, why="cancelled")
            await self._kill(child)
            raise

    async def _kill(self, child: ChildProcess) -> str:
        self._alive.discard(child)
        return await child.kill()
