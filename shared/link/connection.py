"""pika's connection, with its callbacks as awaitables and two adaptations, each tested:

1. It survives poison. pika 1.4.4 ends the whole connection at a message whose header table holds a
   timestamp far in the future (`OSError`, `OverflowError`, `ValueError`) or 3,000 nested tables
   (`RecursionError`). A message that can kill one consumer kills the next one too; so its properties
   are dropped here, and what is left goes to the dead letters as unreadable.
2. It writes once a turn of the loop: pika makes a system call for each of the three frames of a message.
"""

# typeshed's types of pika leave out what is adapted here, and half of its callbacks.
# pyright: reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from pika import frame
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.connection import Parameters
from pika.exceptions import AMQPError
from pika.spec import BasicProperties

from shared.errors import BrokerDown
from shared.link.addresses import SETUP

_FRAME_HEADER = struct.Struct(">BHL")  # type, channel, size of the payload (AMQP 0-9-1, 4.2.3)
_FRAME_END = 1  # byte
_BODY_SIZE = struct.Struct(">HHQ")  # class, weight, size of the body (4.2.6.1)
_CONTENT_HEADER = 2
LOOKS, SILENT_LOOKS = 2, 4  # looks in a heartbeat, and how many without a sound are too many

ANSWER = 10.0  # seconds for the answer to one method; a broker that is silent for longer on a living connection is given up

_UNDECODABLE = (OSError, OverflowError, ValueError, RecursionError, struct.error, KeyError)


class Connection(AsyncioConnection):  # type: ignore[misc] # pika has no types
    """pika's connection, adapted as said above."""

    def __init__(self, parameters: Parameters, loop: asyncio.AbstractEventLoop, **callbacks: Any) -> None:
        self._ours = loop
        self._frame_buffer: bytes = b""
        self._unsent: list[bytes] = []
        super().__init__(parameters, custom_ioloop=loop, **callbacks)

    @property
    def heard(self) -> tuple[int, int]:
        """Changes with whatever comes in, also with a part of a frame."""
        return self.bytes_received, len(self._frame_buffer)

    def abandon(self, reason: str) -> None:
        """End it without a goodbye: the broker doesn't answer."""
        if not self.is_closed:
            self._terminate_stream(AMQPError(reason))

    def _on_connection_workflow_done(self, conn_or_exc: Any) -> None:
        # Told to stop in the middle of a handshake, pika 1.4.4 hands over the class of its error.
        super()._on_connection_workflow_done(conn_or_exc() if isinstance(conn_or_exc, type) else conn_or_exc)

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        if not self._unsent:
            self._ours.call_soon(self._send_unsent)
        self._unsent += marshaled_frames

    def _send_unsent(self) -> None:
        frames, self._unsent = self._unsent, []
        data = b"".join(frames)
        self.frames_sent += len(frames)
        self.bytes_sent += len(data)
        if not self.is_closed:
            self._adapter_emit_data(data)

    def _read_frame(self) -> Any:
        try:
            return super()._read_frame()
        except _UNDECODABLE as error:
            bare = _without_properties(self._frame_buffer, error)
            if bare is None:
                raise
            return bare


def _without_properties(buffer: bytes, error: Exception) -> tuple[int, Any] | None:
    """How long the frame at the head of `buffer` is, and the content header in it; None where it is no such one."""
    kind, channel, size = _FRAME_HEADER.unpack_from(buffer)
    if kind != _CONTENT_HEADER:
        return None
    _, _, body_size = _BODY_SIZE.unpack_from(buffer, _FRAME_HEADER.size)
    properties = BasicProperties(content_type=f"undecodable ({type(error).__name__})")
    return _FRAME_HEADER.size + size + _FRAME_END, frame.Header(channel, body_size, properties)


class Session:
    """One open connection, from connect to loss. `closed` resolves with the reason, and never raises."""

    def __init__(self, connection: Connection, closed: asyncio.Future[str]) -> None:
        self.connection, self.closed = connection, closed

    @classmethod
    async def open(cls, parameters: Parameters) -> Session:
        """Connect and log in. Raises `BrokerDown` with the reason."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Connection] = loop.create_future()
        closed: asyncio.Future[str] = loop.create_future()

        def on_open(connection: Connection) -> None:
            _resolve(opened, connection)

        def on_error(_: Connection, error: BaseException | str) -> None:
            if not opened.done():
                opened.set_exception(BrokerDown(reason_of(error)))

        def on_close(_: Connection, error: BaseException) -> None:
            _resolve(closed, reason_of(error))

        connection = Connection(parameters, loop, on_open_callback=on_open, on_open_error_callback=on_error, on_close_callback=on_close)
        try:
            return cls(await opened, closed)
        except asyncio.CancelledError:
            if not (connection.is_closing or connection.is_closed):
                connection.close()
            raise

    async def channel(self, on_close: Callable[[str], None]) -> Channel:
        """A new channel; `on_close` is told why it ended. Raises `BrokerDown` where the connection is going."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Channel] = loop.create_future()

        def closed(_: Channel, error: BaseException) -> None:
            if opened.done():
                on_close(reason_of(error))
            else:
                opened.set_exception(BrokerDown(reason_of(error)))

        try:
            channel = self.connection.channel(on_open_callback=lambda channel: _resolve(opened, channel))
        except AMQPError as error:
            raise BrokerDown(reason_of(error)) from error
        channel.add_on_close_callback(closed)
        with _answered_in_time(loop, self.connection.abandon):
            return await opened

    async def ended(self) -> str:
        """Wait until the connection is gone; returns the reason.

        One that has been silent for two heartbeats is given up (pika's own check takes up to
        2 * (heartbeat + 5) seconds). Looks are counted, not time: a loop that stood still was deaf itself.
        """
        heard, silent = self.connection.heard, 0
        heartbeat: Any = self.connection.params.heartbeat  # seconds; pika knows other forms, which ours never has
        while silent < SILENT_LOOKS:
            await asyncio.wait({self.closed}, timeout=heartbeat / LOOKS)
            if self.closed.done():
                return self.closed.result()
            before, heard = heard, self.connection.heard
            silent = silent + 1 if heard == before else 0
        self.connection.abandon(f"nothing heard from the broker for {SILENT_LOOKS / LOOKS:g} heartbeats")
        return await self.closed

    async def close(self) -> None:
        """Close in good order; returns when the broker has answered, or the connection was gone already."""
        if not (self.connection.is_closing or self.connection.is_closed):
            self.connection.close()
        await self.closed


async def call(channel: Channel, method: Callable[..., object], *args: Any, **options: Any) -> Any:
    """One synchronous AMQP method of a channel (as `channel.basic_qos`), with its arguments, and its answer.

    Returns the broker's answer. Raises `ChannelClosed` where the broker closes the channel instead.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Any] = loop.create_future()

    def closed(_: Channel, error: BaseException) -> None:
        if not answered.done():
            answered.set_exception(ChannelClosed(getattr(error, "reply_code", 0), reason_of(error)))

    channel.add_on_close_callback(closed)
    try:
        method(*args, **options, callback=lambda answer: _resolve(answered, answer))
        with _answered_in_time(loop, channel.connection.abandon):
            return await answered
    except AMQPError as error:
        raise ChannelClosed(0, reason_of(error)) from error
    finally:
        channel.callbacks.remove(channel.channel_number, "_on_channel_close", closed)


@contextmanager
def _answered_in_time(loop: asyncio.AbstractEventLoop, abandon: Callable[[str], None]) -> Generator[None]:
    """Abandon the connection where the block lasts too long, and with it whoever waits. A channel can't be closed alone: pika
    keeps the close back behind the method that has no answer.
    """
    timer = loop.call_later(ANSWER, abandon, f"no answer from the broker for {ANSWER:g} s")
    try:
        yield
    finally:
        timer.cancel()


class ChannelClosed(BrokerDown):
    """The broker closed the channel; `code` is its reply code (404: not found), 0 where the connection went."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def reason_of(error: BaseException | str) -> str:
    """An error of pika's in words; some carry another one, some carry nothing."""
    if isinstance(error, str):
        return error
    text = getattr(error, "reply_text", "")
    if text:
        return f"{getattr(error, 'reply_code', '')} {text}".strip()
    inner = [item for item in getattr(error, "args", ()) if isinstance(item, BaseException)]
    if inner:
        return reason_of(inner[0])
    # pika's workflow errors keep theirs in `exceptions`, or in `exception`
    nested = getattr(error, "exceptions", None) or [getattr(error, "exception", None)]
    last = nested[-1]
    if isinstance(last, BaseException):
        return reason_of(last)
    words = str(error) or type(error).__name__
    # How pika ends an attempt that took too long; its own words name its methods and the socket's options.
    return f"no answer within {SETUP:.0f} s" if "Timeout while setting up" in words else words


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
