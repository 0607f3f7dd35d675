"""How many messages wait in a queue, and who consumes it, as a passive declare says it: at once, while the
management API lags by seconds. Unacked ones are not among them; nobody but the management API counts those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from typing import NamedTuple

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity

from shared.control.connect import channel_of, connected
from shared.errors import BrokerDown
from shared.settings import Settings

PATIENCE = 5.0  # seconds for the answers, a new connection included
GOODBYE = 1.0  # second


class Depth(NamedTuple):
    """`ready`: messages that wait for a consumer."""

    ready: int
    consumers: int


class Depths:
    """Asks over one connection, made at the first question and anew after a loss. One question at a time."""

    def __init__(self, settings: Settings, role: str) -> None:
        self._settings, self._role = settings, role
        self._turn = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def of(self, queues: Iterable[str]) -> dict[str, Depth]:
        """Queue → depth, without those that don't exist. Raises `BrokerDown`."""
        queues = tuple(queues)
        async with self._turn:
            try:
                return await self._answer(queues)
            except (*CONNECTION_EXCEPTIONS, TimeoutError):  # the connection may have died since the last question
                await self._let_go()
            try:
                return await self._answer(queues)
            except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                await self._let_go()
                raise BrokerDown(f"no answer about the queues: {str(error) or type(error).__name__}") from error

    async def close(self) -> None:
        async with self._turn:
            await self._let_go()

    async def _answer(self, queues: tuple[str, ...]) -> dict[str, Depth]:
        async with asyncio.timeout(PATIENCE):
            return await self._ask(queues)

    async def _ask(self, queues: tuple[str, ...]) -> dict[str, Depth]:
        found: dict[str, Depth] = {}
        for queue in queues:
            channel = await self._open_channel()
            try:
                answer = await channel.declare_queue(queue, passive=True)
            except ChannelNotFoundEntity:
                self._channel = None  # the broker closes a channel on which something was missing
                continue
            result = answer.declaration_result
            found[queue] = Depth(result.message_count or 0, result.consumer_count or 0)
        return found

    async def _open_channel(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            if self._connection is None or self._connection.is_closed:
                await self._let_go()
                self._connection = await self._opened.enter_async_context(connected(self._settings, self._role))
            self._channel = channel_of(self._connection)
            await self._channel.initialize()
        return self._channel

    async def _let_go(self) -> None:
        self._connection = self._channel = None
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError, BrokerDown):  # it is given up whatever it says
            async with asyncio.timeout(GOODBYE):
                await self._opened.aclose()
