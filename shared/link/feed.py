"""One subscription on one connection: its channel from open to close, with its deliveries and acks.

Lives on the Link's loop. Deliveries are handed on once a turn of the loop, acks go out once a turn
(`shared.link.acks`). A channel that closed settles nothing more: what was in our hands, the broker
gives out again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from shared.link.acks import coalesce
from shared.link.codec import delivery_of
from shared.link.connection import Session, call
from shared.link.delivery import Delivery
from shared.link.subscription import Receive

Declare = Callable[[Channel], Awaitable[None]]


class Feed:
    """The consumer of `queue` on one channel. `name` is what its deliveries call their queue.

    `on_lost(reason)` is called once where the channel or the consumer ends without being told to.
    """

    def __init__(self, name: str, queue: str, receive: Receive, on_lost: Callable[[str], None]) -> None:
        self.name, self.queue = name, queue
        self._receive, self._on_lost = receive, on_lost
        self._channel: Channel | None = None
        self._outstanding: dict[int, None] = {}  # in the order of the tags
        self._finished: set[int] = set()
        self._arrived: list[Delivery] = []
        self._tag = ""
        self._generation = 0

    @property
    def is_open(self) -> bool:
        """Whether a delivery of this feed can still be settled. Any thread may ask."""
        return self._channel is not None

    async def open(self, session: Session, prefetch: int, label: str, declare: Declare) -> None:
        """Channel, declare, qos, consume; returns at the consume-ok. `label` goes into the consumer tag.

        Raises `ChannelClosed` (404 where the queue is missing), `BrokerDown`.
        """
        self._channel = channel = await session.channel(self._lost)
        await declare(channel)
        # 4.3 and any server may cancel a consumer (queue deleted, timeout): that is a loss too.
        channel.add_on_cancel_callback(lambda _: self._cancelled())
        await self._consume(channel, prefetch, label)

    async def set_prefetch(self, prefetch: int, label: str) -> None:
        """`basic.qos` doesn't touch a live consumer: consume anew under a new tag, then cancel the old one."""
        channel, old = self._channel, self._tag
        if channel is not None and old:
            await self._consume(channel, prefetch, label)
            await call(channel, channel.basic_cancel, old)

    async def cancel(self) -> None:
        """Take no more; what is in our hands can still be settled."""
        channel, tag, self._tag = self._channel, self._tag, ""
        if channel is not None and tag:
            await call(channel, channel.basic_cancel, tag)

    def ack(self, tag: int) -> None:
        """Finished; goes out with `flush`, in the same turn of the loop."""
        if tag in self._outstanding:
            self._finished.add(tag)

    def nack(self, tag: int) -> None:
        """Hand it back to the queue, now."""
        if self._channel is not None and tag in self._outstanding and tag not in self._finished:
            del self._outstanding[tag]
            self._channel.basic_nack(tag, requeue=True)

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

    async def _consume(self, channel: Channel, prefetch: int, label: str) -> None:
        self._generation += 1
        self._tag = f"{label}.{self._generation}" if self._generation > 1 else label
        await call(channel, channel.basic_qos, prefetch_count=prefetch)
        await call(channel, channel.basic_consume, self.queue, self._on_message, consumer_tag=self._tag)

    def _on_message(self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        self._outstanding[method.delivery_tag] = None
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._hand_on)
        self._arrived.append(delivery_of(self.name, self, method, properties, body))

    def _hand_on(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            self._receive(arrived)

    def _cancelled(self) -> None:
        self._end("the broker cancelled the consumer (was the queue deleted?)")

    def _lost(self, reason: str) -> None:
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._channel is not None:
            channel = self._channel
            self.drop()
            if channel.is_open:
                channel.close()
            self._on_lost(reason)
