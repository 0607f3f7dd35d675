"""A broker that keeps the connection but doesn't answer is given up, by whichever step waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.backoff import full_jitter
from shared.errors import BrokerDown
from shared.link import LinkState, LinkStatus
from shared.link import connection as module
from shared.link.connection import ChannelClosed, Connection, Session, call
from shared.link.supervisor import Supervisor


class Silent:
    """A connection and its channel, on which no method is answered."""

    def __init__(self) -> None:
        self.connection, self.channel_number = self, 1
        self.callbacks = SimpleNamespace(remove=lambda *_: True)
        self._closed: list[Callable[[object, str], None]] = []

    def add_on_close_callback(self, callback: Callable[[object, str], None]) -> None:
        self._closed.append(callback)

    def channel(self, *, on_open_callback: Callable[[object], None]) -> Silent:  # noqa: ARG002 - as pika has it
        return self

    def declare(self, *, callback: Callable[[object], None]) -> None:
        """Sent, and never answered."""

    def abandon(self, reason: str) -> None:
        for callback in self._closed:
            callback(self, reason)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER", 0.01)


async def test_a_method_without_an_answer_takes_the_connection_with_it() -> None:
    channel: Any = Silent()
    with pytest.raises(ChannelClosed, match="no answer from the broker"):
        await call(channel, channel.declare)


async def test_so_does_a_channel_that_is_not_opened() -> None:
    session = Session(cast("Connection", Silent()), asyncio.get_running_loop().create_future())
    with pytest.raises(BrokerDown, match="no answer from the broker"):
        await session.channel(lambda _: None)


class Contented:
    """A half whose opening goes well, whatever happens to the connection meanwhile."""

    condition = LinkStatus(LinkState.HEALTHY)

    async def open(self, session: Session, number: int) -> None:  # noqa: ARG002 - as the port says
        session.closed.set_result("gone meanwhile")

    def lost(self, reason: str) -> None:
        """Nothing to let go of."""


async def test_a_connection_that_goes_while_its_half_opens_was_never_open() -> None:
    session = Session(cast("Connection", Silent()), asyncio.get_running_loop().create_future())
    supervisor = Supervisor("consume", Contented(), (), full_jitter(), lambda: None)
    with pytest.raises(BrokerDown, match="gone meanwhile"):
        await supervisor._open(session)  # noqa: SLF001 - the step between connecting and staying
