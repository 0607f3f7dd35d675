"""One connection kept alive: connect, open, stay, lose it, wait, again; see the diagram in `shared.link`.

Knows nothing of what the connection is for: that is its `Half`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from pika.connection import URLParameters

from shared.backoff import Backoff
from shared.errors import BrokerDown
from shared.link.addresses import resolve
from shared.link.capabilities import Capabilities
from shared.link.connection import Session
from shared.link.state import LinkState, LinkStatus
from shared.log import Logger

log = Logger()

OPENING = 15.0  # seconds for channels, declares and consumes
CLOSING = 2.0  # seconds for a close in good order


class Half(Protocol):
    """What a connection is for: to publish, or to consume."""

    @property
    def condition(self) -> LinkStatus:
        """How well an open connection serves: healthy, blocked, or opening with what is missing."""
        ...

    async def open(self, session: Session, number: int) -> None:
        """Make the connection useful. Raises `BrokerDown`."""
        ...

    def lost(self, reason: str) -> None: ...


class Supervisor:
    """Runs one `half` over one connection after another, `name` being what the admin UI shows."""

    def __init__(self, name: str, half: Half, choices: Sequence[URLParameters], backoff: Backoff, on_status: Callable[[], None]) -> None:
        self._name, self._half, self._choices, self._backoff, self._on_status = name, half, choices, backoff, on_status
        self._session: Session | None = None
        self._opened = False
        self.status = LinkStatus(LinkState.IDLE)
        self.capabilities: Capabilities | None = None
        self.sessions = 0

    async def run(self) -> None:
        """Until cancelled."""
        attempt = 0
        try:
            while True:
                reason = await self._survive()
                # An open session that ended begins the count anew: its loss is news.
                attempt = 1 if self._opened else attempt + 1
                self._opened = False
                self._set(LinkStatus(LinkState.CONNECTING, reason))
                await asyncio.sleep(self._backoff(attempt))
        finally:
            await self._close()
            self._set(LinkStatus(LinkState.STOPPED, "the link was stopped"))

    def restart(self, reason: str) -> None:
        """Give the connection up (its channel is lost) and make a new one."""
        session = self._session
        if session is not None and not session.closed.done() and session.connection.is_open:
            log.warning("link.lost", connection=self._name, reason=reason)
            session.connection.close()

    def refresh(self) -> None:
        """The half's condition has changed."""
        if self._opened:
            self._set(self._half.condition)

    async def _survive(self) -> str:
        try:
            return await self._live()
        except Exception as error:
            log.exception("link.lost", connection=self._name, reason="a defect of the link")
            return repr(error)

    async def _live(self) -> str:
        """One connection from connect to loss; returns why it ended."""
        if self.status.state is LinkState.IDLE:
            self._set(LinkStatus(LinkState.CONNECTING))
        try:
            self._session = session = await self._connect()
        except BrokerDown as error:
            log.warning("link.unreachable", connection=self._name, reason=str(error))
            return str(error)
        reason = "the link was stopped"
        try:
            reason = await self._stay(session)
        finally:
            self._half.lost(reason)
            await self._close()
        return reason

    async def _connect(self) -> Session:
        problem = "no address"
        for parameters in await resolve(self._choices):
            try:
                return await Session.open(parameters)
            except BrokerDown as error:
                problem = f"{parameters.host}:{parameters.port}: {error}"
        raise BrokerDown(problem)

    async def _stay(self, session: Session) -> str:
        self.capabilities = Capabilities.of(session.connection.server_properties or {})
        self._set(LinkStatus(LinkState.OPENING))
        self.sessions += 1
        try:
            await self._open(session)
        except (BrokerDown, TimeoutError) as error:
            reason = str(error) or f"not open within {OPENING:g} s"
            log.warning("link.lost", connection=self._name, reason=reason)
            return reason
        self._opened = True
        log.info("link.connected", connection=self._name, broker=str(self.capabilities), session=self.sessions)
        self.refresh()
        reason = await session.ended()
        log.warning("link.lost", connection=self._name, reason=reason)
        return reason

    async def _open(self, session: Session) -> None:
        """Open the half, but not longer than the session lives."""
        opening = asyncio.ensure_future(self._half.open(session, self.sessions))
        try:
            await asyncio.wait((opening, session.closed), timeout=OPENING, return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                raise BrokerDown(session.closed.result() if session.closed.done() else f"not open within {OPENING:g} s")
            opening.result()
            if session.closed.done():  # while the half opened; a consumer takes that for a trouble of its queues
                raise BrokerDown(session.closed.result())
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                async with asyncio.timeout(CLOSING):
                    await session.close()
            except TimeoutError:
                session.connection.abandon("no goodbye from the broker")

    def _set(self, status: LinkStatus) -> None:
        if status != self.status:
            self.status = status
            self._on_status()
