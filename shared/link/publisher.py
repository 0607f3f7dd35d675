"""Publishing with confirms: a bounded window of unconfirmed messages, a deadline for each, one outcome for each.

Lives on the Link's loop. `return` comes before the `ack` of the same message
(https://www.rabbitmq.com/docs/publishers#unroutable), acks may be `multiple`, and a return carries no
tag, so it is matched by where it went and its message id.
"""

# typeshed's types of pika leave out half of its callbacks.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from shared.link.codec import properties_of
from shared.link.connection import Session, call
from shared.link.outcome import Accepted, PublishOutcome, Refused, Unknown, Unroutable
from shared.link.publication import Publication
from shared.link.state import LinkState, LinkStatus
from shared.log import Logger

log = Logger()

SWEEP = 0.1  # seconds between looks at the deadlines
ACCEPTED = Accepted()

Settle = Callable[[PublishOutcome], None]
Returned = tuple[str, str, str]  # exchange, key and message id: one id may be under way to two places


class Pending:
    """A publication on its way. `settle` is called once, on the Link's loop; `deadline` is loop time."""

    __slots__ = ("deadline", "publication", "settle")

    def __init__(self, publication: Publication, settle: Settle, deadline: float) -> None:
        self.publication = publication
        self.settle: Settle | None = settle
        self.deadline = deadline

    def end(self, outcome: PublishOutcome) -> None:
        settle, self.settle = self.settle, None
        if settle is not None:
            settle(outcome)


class Publisher:
    """The publish half of a Link. `window`: most unconfirmed messages; what exceeds it waits, with its deadline.

    `may_send` says whether replies would find us: until then a job waits, or its reply would be lost.
    `hindrance` is what is in the way of the Link, in words, for those that never were sent.
    `on_change` is called when the condition changed, `on_channel_lost` when the channel ended by itself.
    """

    def __init__(
        self,
        window: int,
        may_send: Callable[[], bool],
        hindrance: Callable[[], str],
        on_change: Callable[[], None],
        on_channel_lost: Callable[[str], None],
    ) -> None:
        self._window, self._may_send, self._hindrance = window, may_send, hindrance
        self._on_change, self._on_channel_lost = on_change, on_channel_lost
        self._waiting: deque[Pending] = deque()
        self._unconfirmed: dict[int, Pending] = {}
        self._returned: defaultdict[Returned, deque[str]] = defaultdict(deque)
        self._tag = 0
        self._channel: Channel | None = None
        self._blocked = ""
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> int:
        """How many publications have no outcome yet."""
        return len(self._waiting) + sum(pending.settle is not None for pending in self._unconfirmed.values())

    @property
    def condition(self) -> LinkStatus:
        """Healthy, or blocked by the broker."""
        return LinkStatus(LinkState.BLOCKED, self._refusal().reason) if self._blocked else LinkStatus(LinkState.HEALTHY)

    async def open(self, session: Session, number: int) -> None:  # noqa: ARG002 - a publisher has no use for the number
        """Make a channel in confirm mode, and send what waits. Raises `BrokerDown`."""
        session.connection.add_on_connection_blocked_callback(lambda _, frame: self._block(str(frame.method.reason)))
        session.connection.add_on_connection_unblocked_callback(lambda *_: self._unblock())
        channel = await session.channel(self._channel_lost)
        channel.add_on_return_callback(self._on_return)
        await call(channel, channel.confirm_delivery, self._on_confirm)
        self._channel, self._tag = channel, 0
        self.pump()

    def lost(self, reason: str) -> None:
        """The connection is gone: what was sent is unknown, what waits goes on waiting for the next one."""
        self._channel, self._blocked = None, ""
        self._end_unconfirmed(Unknown(reason))
        self._returned.clear()

    def add(self, pending: Pending) -> None:
        """Take a publication in; `pump` sends it."""
        if self._blocked:
            pending.end(self._refusal())
        else:
            self._waiting.append(pending)

    def pump(self) -> None:
        """Send what waits, as far as the window allows."""
        free = bool(self._waiting) and self._may_send()
        while free and self._waiting and self._channel is not None and len(self._unconfirmed) < self._window:
            pending = self._waiting.popleft()
            if pending.settle is not None:
                self._send(self._channel, pending)
        if self._sweeping is None and (self._waiting or self._unconfirmed):
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def close(self) -> None:
        """Nothing more will be sent: whatever still waits ends here."""
        self.lost("the link was stopped")
        if self._sweeping is not None:
            self._sweeping.cancel()
        while self._waiting:
            self._waiting.popleft().end(Refused("the link was stopped", away=True))

    def _channel_lost(self, reason: str) -> None:
        """It says why better than the connection that is given up for it."""
        self._channel = None
        self._end_unconfirmed(Unknown(reason))
        self._on_channel_lost(reason)

    def _block(self, reason: str) -> None:
        """The broker takes no publishes (https://www.rabbitmq.com/docs/connection-blocked)."""
        self._blocked = reason or "no reason given"
        log.warning("link.blocked", reason=self._blocked)
        self._end_unconfirmed(Unknown(f"the broker blocked publishers: {self._blocked}"), keep=True)
        waiting, self._waiting = self._waiting, deque()
        for pending in waiting:
            pending.end(self._refusal())
        self._on_change()

    def _unblock(self) -> None:
        self._blocked = ""
        log.info("link.unblocked")
        self._on_change()
        self.pump()

    def _refusal(self) -> Refused:
        return Refused(f"the broker blocks publishers: {self._blocked}", away=True)

    def _send(self, channel: Channel, pending: Pending) -> None:
        exchange, key, message, mandatory = pending.publication
        try:
            channel.basic_publish(exchange, key, message.body, properties_of(message), mandatory)
        except Exception as error:  # noqa: BLE001 - pika raises anything for what it can't encode; nothing was written then
            if channel.is_open:
                pending.end(Refused(f"can't be put on the wire: {error!r}"))
            else:  # it is closing; its close callback is on its way
                self._channel = None
                self._waiting.appendleft(pending)
        else:
            self._tag += 1
            self._unconfirmed[self._tag] = pending

    def _on_confirm(self, answer: Any) -> None:
        method = answer.method
        if method.multiple:
            for tag in list(takewhile(lambda tag: tag <= method.delivery_tag, self._unconfirmed)):  # tags rise
                self._confirmed(tag, method)
        else:
            self._confirmed(method.delivery_tag, method)
        self.pump()

    def _confirmed(self, tag: int, method: Any) -> None:
        pending = self._unconfirmed.pop(tag, None)
        if pending is None:
            return
        if isinstance(method, Basic.Nack):
            pending.end(Refused("the broker refused it (nack)"))
            return
        pending.end(self._verdict(pending.publication) if self._returned else ACCEPTED)

    def _verdict(self, publication: Publication) -> Accepted | Unroutable:
        went = publication.exchange, publication.key, publication.message.id
        if went not in self._returned:
            return ACCEPTED
        reasons = self._returned[went]
        reason = reasons.popleft()
        if not reasons:
            del self._returned[went]
        return Unroutable(reason)

    def _on_return(self, _: Channel, method: Basic.Return, properties: BasicProperties, __: bytes) -> None:
        reason = f"no queue takes key {method.routing_key!r} of exchange {method.exchange!r} ({method.reply_code} {method.reply_text})"
        # One message may be under way twice (published again, its confirm being late) and return twice before either confirm.
        self._returned[method.exchange, method.routing_key, str(properties.message_id or "")].append(reason)

    def _end_unconfirmed(self, outcome: Unknown, *, keep: bool = False) -> None:
        ended = list(self._unconfirmed.values())
        if not keep:  # a blocked broker may still confirm: the tags stay
            self._unconfirmed.clear()
        for pending in ended:
            pending.end(outcome)

    def _sweep(self) -> None:
        self._sweeping = None
        now = asyncio.get_running_loop().time()
        for pending in self._unconfirmed.values():
            if pending.deadline <= now and pending.settle is not None:
                pending.end(Unknown("no confirm came in time"))
        for pending in self._waiting:
            if pending.deadline <= now and pending.settle is not None:
                pending.end(Refused(f"not sent in time: {self._hindrance() or 'the window was full'}", away=True))
        self._waiting = deque(pending for pending in self._waiting if pending.settle is not None)
        self.pump()
