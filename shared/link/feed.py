"""One subscription on one connection: its channel from open to close, with its deliveries and acks.

Lives on the Link's loop. Deliveries are handed on once a turn of the loop, acks go out once a turn
(`shared.link.acks`). A channel that closed settles nothing more: what was in our hands, the broker
gives out again.
"""

# typeshed's types of pika leave out half of its callbacks.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from shared.errors import BrokerDown
from shared.link.acks import coalesce
from shared.link.codec import delivery_of
from shared.link.connection import ChannelClosed, Session, call
from shared.link.delivery import Delivery
from shared.link.subscription import Receive

Declare = Callable[[Channel], Awaitable[None]]


class Feed:
    """The consumer of `queue` on one channel. `name` is what its deliveries call their queue, `label` goes
    into the consumer tags.

    `on_lost(reason)` is called once where the channel or a consumer ends, after `open`, without being told to.
    """

    def __init__(self, name: str, queue: str, label: str, receive: Receive, on_lost: Callable[[str], None]) -> None:
        self.name, self.queue = name, queue
        self._label, self._receive, self._on_lost = label, receive, on_lost
        self._channel: Channel | None = None
        self._opened = self._stopped = False
        self._reason = ""
        self._outstanding: dict[int, None] = {}  # in the order of the tags
        self._finished: set[int] = set()
        self._arrived: list[Delivery] = []
        self._tags: list[str] = []  # of the live consumers
        self._generation = 0
        self._prefetch = self._wanted = 0
        self._changing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a delivery of this feed can still be settled. Any thread may ask."""
        return self._channel is not None

    async def open(self, session: Session, prefetch: int, declare: Declare) -> None:
        """Channel, declare, qos, consume; returns at the consume-ok.

        Raises `ChannelClosed` (404 where the queue is missing), `BrokerDown`.
        """
        self._channel = channel = await session.channel(self._end)
        await declare(channel)
        # 4.3 and any server may cancel a consumer (queue deleted, timeout): that is a loss too.
        channel.add_on_cancel_callback(lambda _: self._end("the broker cancelled the consumer (was the queue deleted?)"))
        self._wanted = self._prefetch = prefetch
        await self._consume(channel, prefetch)
        if self._channel is None:  # pyright: ignore[reportUnnecessaryComparison] - `_end` may have been called meanwhile
            raise ChannelClosed(0, self._reason)
        self._opened = True

    def set_prefetch(self, prefetch: int) -> None:
        """At most `prefetch` unsettled deliveries from now on."""
        self._wanted = prefetch
        if self._opened and (self._changing is None or self._changing.done()):
            self._changing = asyncio.get_running_loop().create_task(self._change())

    def stop(self) -> None:
        """Take no more, for good; what is in our hands can still be settled."""
        self._stopped = True
        self._cancel(self._tags)

    def ack(self, tag: int) -> None:
        """Finished; goes out with `flush`, in the same turn of the loop."""
        if tag in self._outstanding:
            self._finished.add(tag)

    def nack(self, tag: int) -> None:
        """Hand it back to the queue, now."""
        channel = self._channel
        if channel is not None and channel.is_open and tag in self._outstanding and tag not in self._finished:
            del self._outstanding[tag]
            channel.basic_nack(tag, requeue=True)

    def flush(self) -> None:
        """Send the acks of this turn."""
        channel = self._channel
        if channel is None or not self._finished or not channel.is_open:
            return
        acks = coalesce(self._outstanding, self._finished)
        if acks.up_to:
            channel.basic_ack(acks.up_to, multiple=True)
        for tag in acks.singles:
            channel.basic_ack(tag)
        for tag in self._finished:
            del self._outstanding[tag]
        self._finished.clear()

    def drop(self) -> None:
        """The connection is gone: nothing here can be settled any more."""
        self._channel = None
        self._outstanding.clear()
        self._finished.clear()
        self._arrived.clear()

    async def _change(self) -> None:
        """`basic.qos` doesn't touch a live consumer. For more, a further consumer brings the difference: a new
        one for all would be given its whole prefetch beside what the old one still has out. For less, a
        new one takes the place of all.
        """
        with suppress(BrokerDown):  # gone: the next one opens with what is wanted
            while self._prefetch != self._wanted and self._channel is not None and not self._stopped:
                old, more = list(self._tags), self._wanted - self._prefetch
                self._prefetch = self._wanted
                await self._consume(self._channel, more if more > 0 else self._prefetch)
                if more < 0:
                    self._cancel(old)

    async def _consume(self, channel: Channel, prefetch: int) -> None:
        await call(channel, channel.basic_qos, prefetch_count=prefetch)
        if not self._stopped:
            self._generation += 1
            tag = f"{self._label}.{self._generation}" if self._generation > 1 else self._label
            self._tags.append(tag)
            await call(channel, channel.basic_consume, self.queue, self._on_message, consumer_tag=tag)

    def _cancel(self, tags: list[str]) -> None:
        """Without an answer. What the broker sent meanwhile pika gives back to it."""
        channel = self._channel
        for tag in [tag for tag in tags if tag in self._tags]:
            self._tags.remove(tag)
            if channel is not None and channel.is_open:
                channel.basic_cancel(tag)

    def _on_message(self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        self._outstanding[method.delivery_tag] = None
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._hand_on)
        self._arrived.append(delivery_of(self.name, self, method, properties, body))

    def _hand_on(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            self._receive(arrived)

    def _end(self, reason: str) -> None:
        channel, self._reason = self._channel, reason
        if channel is not None:
            self.drop()
            if channel.is_open:
                channel.close()
            if self._opened:
                self._on_lost(reason)
