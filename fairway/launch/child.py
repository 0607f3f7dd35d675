"""One process of `fairway up`: started, started again when it dies, stopped when asked.

It leads a session of its own, so that Ctrl-C reaches it through `fairway up` alone, and in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fairway.launch.broker import Say
from fairway.node.pidfile import PidFile
from shared.backoff import Backoff, full_jitter
from shared.errors import NotConfigured

STEADY = 10.0  # seconds; who lived that long starts afresh with its backoff
BACKOFF = full_jitter(first=1.0, limit=30.0)
CONFIG = os.EX_CONFIG


class Program(NamedTuple):
    """What is to run: its name, its command line, its environment."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]


class Child:
    """Keeps one `Program` running from `start` to `stop`; its pid is written to `<name>.pid` in the folder `run`."""

    def __init__(self, program: Program, run: Path, say: Say, backoff: Backoff = BACKOFF) -> None:
        self.program = program
        self._pidfile = PidFile(run / f"{program.name}.pid")
        self._say = say
        self._backoff = backoff
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self) -> None:
        """Run the program until `stop`, again and again.

        Raises `NotConfigured` where it ends for a wrong configuration: to start it again would not help.
        """
        attempt = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run()
            if self._stopping.is_set():
                return
            if code == CONFIG:
                raise NotConfigured(f"{self.program.name} ended for a wrong configuration, see its words above")
            attempt = 1 if time.monotonic() - began > STEADY else attempt + 1
            await self._pause(code, self._backoff(attempt))

    def stop(self) -> None:
        """Ask it to end, as SIGTERM does: the first time warm, the second time cold."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, with its whole process group."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _run(self) -> int:
        program = self.program
        self._process = await asyncio.create_subprocess_exec(*program.command, env=program.env, stdin=DEVNULL, start_new_session=True)
        self._pidfile.write(self._process.pid)
        if self._stopping.is_set():  # `stop` came while the process was being made
            self._signal(signal.SIGTERM)
        code = await self._process.wait()
        self._pidfile.remove()  # not before: `fairway down` finds by it what we could not stop ourselves
        return code

    async def _pause(self, code: int, seconds: float) -> None:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._say(f"{self.program.name} {how}; starting it again in {seconds:.1f} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
