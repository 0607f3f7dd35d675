"""One child process as its parent sees it: started, spoken to over a pipe, ended.

Not `multiprocessing`: its spawn runs the parent's main module again in each child and needs a process
of its own for its resources. Here a child imports what it is told, and inherits its end of one pipe
and nothing else, so that a closed pipe always shows.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Self

from worker.frames import LENGTHS, Frame, pack, unpack

ENDING = 5.0  # seconds that stop hooks may take


class ChildProcess:
    """A running `python -m worker.child`, in a process group of its own, so that a kill reaches what the
    handler has started too, and Ctrl-C in a terminal doesn't.
    """

    def __init__(self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def spawn(cls) -> Self:
        """Start one. Raises `OSError` where the system has no room for it."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            fd = theirs.fileno()
            command = [sys.executable, "-m", "worker.child", str(fd)]
            try:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(fd,), process_group=0)  # noqa: ASYNC220, S603
            except OSError:
                writer.close()
                raise
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has closed its end of the pipe."""
        return self._reader.at_eof()

    async def send(self, frame: Frame) -> None:
        """Raises `EOFError` where the child is gone."""
        try:
            self._writer.write(pack(frame))
            await self._writer.drain()
        except ConnectionError as error:
            raise EOFError from error

    async def receive(self) -> Frame:
        """The next frame. Raises `EOFError` where the child is gone, or says what is no frame."""
        try:
            head, body = LENGTHS.unpack(await self._reader.readexactly(LENGTHS.size))
            return unpack(await self._reader.readexactly(head), await self._reader.readexactly(body))
        except (ConnectionError, ValueError, KeyError, TypeError) as error:
            raise EOFError from error

    async def kill(self) -> str:
        """Kill it and what it has started, and see it gone. Returns how it ended, in words.

        One that is gone already keeps its own end: an exit status is fixed before files are closed.
        """
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # macOS refuses where all are dead
                os.killpg(self.pid, signal.SIGKILL)
        self._writer.close()
        return f"child process {self.pid} {_how(await asyncio.to_thread(self._process.wait))}"

    async def end(self) -> None:
        """Let it run its stop hooks and go; kill it where it doesn't."""
        self._writer.write_eof()
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(ENDING):
                await self._reader.read()
        await self.kill()


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    name = signal.Signals(-code).name
    hint = "; was there too little memory?" if name == "SIGKILL" else ""
    return f"was killed by signal {-code} ({name}{hint})"
