"""A TCP proxy between a client and its broker, that a test can cut, stall, make deaf on one side, or slow down.

An asyncio server in a thread of its own; each verb may be called from any thread, and has happened when it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

CHUNK, DRIP = 65_536, 64  # bytes
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time: closing sends an RST

Way = Literal["up", "down"]  # to the broker, to the client


class Proxy:
    """Passes everything until told otherwise. `url` is the broker's, through the proxy."""

    def __init__(self, amqp_url: str) -> None:
        parts = urlsplit(amqp_url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = parts.hostname, parts.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped: set[Way] = set()
        self._rate: float | None = None  # bytes per second
        self.accepted = 0  # connections so far
        self.passed: dict[Way, int] = {"up": 0, "down": 0}  # bytes so far
        self._call(self._listen)
        login = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{login}@127.0.0.1:{self._port}").geturl()

    # -- any thread --------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every connection, on both sides; new ones are taken as before."""
        self._call(self._cut)

    def refuse(self) -> None:
        """Cut, and take no new connections until `accept`."""
        self._call(self._refuse)

    def accept(self) -> None:
        self._call(self._listen)

    def stall(self) -> None:
        """Keep every connection, take new ones, and forward nothing, either way, until `flow`."""
        self._call(self._stall)

    def drop(self, way: Way) -> None:
        """Read and forget what goes this way, until the connection is cut."""
        self._call(lambda: self._drop(way))

    def slow(self, rate: float | None) -> None:
        """Forward at most `rate` bytes a second each way; None is as fast as it goes."""
        self._call(lambda: self._slow(rate))

    def flow(self) -> None:
        """Forward again, both ways."""
        self._call(self._flow)

    def close(self) -> None:
        self._call(self._refuse)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- its own thread ----------------------------------------------------------------------------

    def _call(self, verb: Callable[[], object]) -> None:
        async def called() -> None:
            result = verb()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(called(), self._loop).result(10)

    async def _listen(self) -> None:
        if not hasattr(self, "_flowing"):
            self._flowing = asyncio.Event()
            self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", getattr(self, "_port", 0))
        self._port: int = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        self._dropped.clear()
        for writer in tuple(self._open):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stall(self) -> None:
        self._flowing.clear()

    def _flow(self) -> None:
        self._rate = None
        self._dropped.clear()
        self._flowing.set()

    def _drop(self, way: Way) -> None:
        self._dropped.add(way)

    def _slow(self, rate: float | None) -> None:
        self._rate = rate

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._open.add(writer)
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(their_writer)
        for way, source, sink, back in (("up", reader, their_writer, writer), ("down", their_reader, writer, their_writer)):
            task = self._loop.create_task(self._pump(way, source, sink, back))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, way: Way, data: bytes, sink: asyncio.StreamWriter) -> None:
        while data:
            piece = data if self._rate is None else data[:DRIP]
            if self._rate is not None:
                await asyncio.sleep(len(piece) / self._rate)
            data = data[len(piece) :]
            sink.write(piece)
            self.passed[way] += len(piece)
            await sink.drain()

    async def _pump(self, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._flowing.wait()
                data = await source.read(CHUNK)
                await self._flowing.wait()
                if not data:
                    break
                if way not in self._dropped:
                    await self._forward(way, data, sink)
        except OSError:
            pass
        finally:
            for writer in (sink, back):
                writer.close()
                self._open.discard(writer)


@contextmanager
def proxied(amqp_url: str) -> Iterator[Proxy]:
    """A proxy in front of this broker, for as long as the block lasts."""
    proxy = Proxy(amqp_url)
    try:
        yield proxy
    finally:
        proxy.close()
