"""pika's connection with its callbacks as awaitables, and with the decoder that survives poison.

pika 1.4.4 ends the whole connection at a message whose header table holds a timestamp far in the
future (`OSError`, `OverflowError`, `ValueError`) or 3,000 nested tables (`RecursionError`). A
message that can kill a consumer kills the next one too; so its properties are dropped here, and what
is left goes to the dead letters as unreadable.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from pika import frame
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.connection import Parameters
from pika.exceptions import AMQPError
from pika.spec import BasicProperties

from shared.errors import BrokerDown

_FRAME_HEADER = struct.Struct(">BHL")  # type, channel, size of the payload (AMQP 0-9-1, 4.2.3)
_BODY_SIZE = struct.Struct(">HHQ")  # class, weight, size of the body (4.2.6.1)
_CONTENT_HEADER = 2
_UNDECODABLE = (OSError, OverflowError, ValueError, RecursionError, struct.error, KeyError)


class Connection(AsyncioConnection):
    """pika's connection; a content header that can't be decoded is delivered without its properties."""

    def _read_frame(self) -> Any:
        try:
            return super()._read_frame()
        except _UNDECODABLE as error:
            poison = _without_properties(self._frame_buffer, error)
            if poison is None:
                raise
            return poison

    def abandon(self) -> None:
        """End it without a goodbye: the broker doesn't answer."""
        if not self.is_closed:
            self._terminate_stream(AMQPError("abandoned"))


def _without_properties(buffer: bytes, error: Exception) -> tuple[int, Any] | None:
    kind, channel, size = _FRAME_HEADER.unpack_from(buffer)
    if kind != _CONTENT_HEADER:
        return None
    _, _, body_size = _BODY_SIZE.unpack_from(buffer, _FRAME_HEADER.size)
    reason = f"undecodable ({type(error).__name__})"
    return _FRAME_HEADER.size + size + 1, frame.Header(channel, body_size, BasicProperties(content_type=reason))


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

        connection = Connection(parameters, on_open, on_error, on_close, custom_ioloop=loop)
        try:
            return cls(await opened, closed)
        except asyncio.CancelledError:
            if not (connection.is_closing or connection.is_closed):
                connection.close()
            raise

    async def channel(self, on_close: Callable[[str], None]) -> Channel:
        """A new channel; `on_close` is told why it ended. Raises `BrokerDown` where the connection is going."""
        opened: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()

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
        return await opened

    async def close(self) -> None:
        """Close in good order; returns when the broker has answered, or the connection was gone already."""
        if not (self.connection.is_closing or self.connection.is_closed):
            self.connection.close()
        await self.closed


async def call(channel: Channel, method: Callable[..., object], *args: Any, **options: Any) -> Any:
    """One synchronous AMQP method: `await call(channel, channel.basic_qos, prefetch_count=1)`.

    Returns the broker's answer. Raises `ChannelClosed` where the broker closes the channel instead.
    """
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def closed(_: Channel, error: BaseException) -> None:
        if not answered.done():
            answered.set_exception(ChannelClosed(getattr(error, "reply_code", 0), reason_of(error)))

    channel.add_on_close_callback(closed)
    try:
        method(*args, **options, callback=lambda answer: _resolve(answered, answer))
    except AMQPError as error:
        raise ChannelClosed(0, reason_of(error)) from error
    return await answered


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
    # pika's workflow errors keep theirs in `exceptions`
    nested = getattr(error, "exceptions", None)
    if nested:
        return reason_of(nested[-1])
    return str(error) or type(error).__name__


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
