"""The consume half of a Link: one feed for each subscription, each with a channel of its own, so that a
channel error stays with its queue. A feed that is lost while the connection lives is opened again,
with backoff; a queue that is missing is said, with the command that makes it.

An own queue is left behind with its session: what it still holds is drained by the next one.
Lives on the Link's loop.
"""

# typeshed's types of pika leave out half of its answers.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

from pika.channel import Channel
from pika.exchange_type import ExchangeType

from shared.backoff import Backoff
from shared.errors import BrokerDown
from shared.link.connection import ChannelClosed, Session, call
from shared.link.feed import Declare, Feed
from shared.link.state import LinkState, LinkStatus
from shared.link.subscription import OwnQueue, SharedQueue, Subscription
from shared.log import Logger

log = Logger()

NOT_FOUND = 404
LEFT_BEHIND = 3  # own queues of earlier sessions to drain; those before have likely expired


class Consumer:
    """`label` is `host:pid`, the second half of each consumer tag. `on_change` is called when the condition changed."""

    def __init__(self, subscriptions: Sequence[Subscription], label: str, backoff: Backoff, on_change: Callable[[], None]) -> None:
        self._subscriptions, self._label, self._backoff, self._on_change = subscriptions, label, backoff, on_change
        self._prefetch = {subscription.name: subscription.prefetch for subscription in subscriptions}
        self._feeds: dict[str, Feed] = {}
        self._drains: dict[str, Feed] = {}
        self._made: dict[str, deque[str]] = defaultdict(partial(deque[str], maxlen=LEFT_BEHIND))
        self._tasks: set[asyncio.Task[None]] = set()
        self._problems: dict[str, str] = {}
        self._number = 0
        self._taking = True

    @property
    def condition(self) -> LinkStatus:
        """Healthy where every subscription holds its consume-ok, else opening with what is in the way."""
        if self._problems:
            return LinkStatus(LinkState.OPENING, "; ".join(self._problems.values()))
        return LinkStatus(LinkState.HEALTHY)

    @property
    def reachable(self) -> bool:
        """Whether what others publish to us finds a queue: each own queue that outlives its connection is bound."""
        own = [one for one in self._subscriptions if isinstance(one, OwnQueue) and not one.exclusive]
        return all(one.name in self._feeds for one in own)

    async def open(self, session: Session, number: int) -> None:
        """Open every feed on a new connection, the `number`th. Returns when each has been tried once."""
        self._number = number
        self._problems.clear()
        if self._taking:
            await asyncio.gather(*(self._first(session, subscription) for subscription in self._subscriptions))

    def lost(self, reason: str) -> None:  # noqa: ARG002 - each feed's own loss is what counts
        """The connection is gone."""
        for task in self._tasks:
            task.cancel()
        for feed in (*self._feeds.values(), *self._drains.values()):
            feed.drop()
        self._feeds.clear()
        self._drains.clear()

    def set_prefetch(self, name: str, prefetch: int) -> None:
        """From now on at most `prefetch` unsettled deliveries of the subscription `name`."""
        if self._prefetch[name] != prefetch:
            self._prefetch[name] = prefetch
            feed = self._feeds.get(name)
            if feed is not None:
                feed.set_prefetch(prefetch)

    def stop_taking(self) -> None:
        """Cancel every consumer; what is in our hands can still be settled."""
        self._taking = False
        for feed in (*self._feeds.values(), *self._drains.values()):
            feed.stop()

    async def _first(self, session: Session, subscription: Subscription) -> None:
        problem = await self._try(session, subscription)
        if problem:
            self._again(session, subscription, problem)

    async def _try(self, session: Session, subscription: Subscription) -> str:
        """Open the feed; returns the problem in words, or nothing."""
        try:
            match subscription:
                case SharedQueue(name):
                    await self._open_feed(session, subscription, name, _passively(name))
                case OwnQueue():
                    await self._open_own(session, subscription, subscription.of(self._number))
                case _:
                    assert_never(subscription)
        except ChannelClosed as error:
            return f"missing: {error} (`fairway topology apply` makes it)" if error.code == NOT_FOUND else str(error)
        except BrokerDown as error:
            return str(error)
        return ""

    async def _open_feed(self, session: Session, subscription: Subscription, queue: str, declare: Declare) -> None:
        name = subscription.name
        feed = Feed(name, queue, self._tag_of(name), subscription.receive, partial(self._again, session, subscription))
        await feed.open(session, self._prefetch[name], declare)
        self._feeds[name] = feed
        self._on_change()
        # What was asked for while it opened:
        feed.set_prefetch(self._prefetch[name])
        if not self._taking:
            feed.stop()

    async def _open_own(self, session: Session, subscription: OwnQueue, queue: str) -> None:
        await self._open_feed(session, subscription, queue, _own(subscription, queue))
        if subscription.exclusive:
            return
        made = self._made[subscription.name]
        for earlier in [earlier for earlier in made if earlier != queue and earlier not in self._drains]:
            await self._drain(session, subscription, earlier)
        if queue not in made:
            made.append(queue)

    async def _drain(self, session: Session, subscription: OwnQueue, queue: str) -> None:
        def lost(_: str) -> None:
            self._drains.pop(queue, None)

        feed = Feed(subscription.name, queue, f"{self._tag_of(queue)}.drain", subscription.receive, lost)
        try:
            await feed.open(session, subscription.prefetch, _unbound(subscription, queue))
        except ChannelClosed as error:
            if error.code == NOT_FOUND:  # expired, and with it what nobody waits for any more
                self._made[subscription.name].remove(queue)
        else:
            self._drains[queue] = feed

    def _again(self, session: Session, subscription: Subscription, problem: str) -> None:
        self._feeds.pop(subscription.name, None)
        if self._taking and session.connection.is_open:
            task = asyncio.get_running_loop().create_task(self._reopen(session, subscription, problem))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _reopen(self, session: Session, subscription: Subscription, problem: str) -> None:
        attempt = 0
        while problem:
            self._problems[subscription.name] = problem
            self._on_change()
            log.warning("link.consumer_lost", queue=subscription.name, reason=problem)
            attempt += 1
            await asyncio.sleep(self._backoff(attempt))
            problem = await self._try(session, subscription)
        self._problems.pop(subscription.name, None)
        self._on_change()

    def _tag_of(self, name: str) -> str:
        return f"{name}@{self._label}"


def _passively(queue: str) -> Declare:
    async def declare(channel: Channel) -> None:
        await call(channel, channel.queue_declare, queue, passive=True)

    return declare


def _unbound(subscription: OwnQueue, queue: str) -> Declare:
    """The new session's queue is bound now: what the old one still took would come twice."""

    async def declare(channel: Channel) -> None:
        await call(channel, channel.queue_unbind, queue, subscription.exchange, subscription.key)

    return declare


def _own(subscription: OwnQueue, queue: str) -> Declare:
    async def declare(channel: Channel) -> None:
        await call(channel, channel.exchange_declare, subscription.exchange, ExchangeType.topic, passive=True)
        await call(
            channel,
            channel.queue_declare,
            queue,
            durable=not subscription.exclusive,
            exclusive=subscription.exclusive,
            auto_delete=False,
            arguments=dict(subscription.arguments),
        )
        await call(channel, channel.queue_bind, queue, subscription.exchange, subscription.key)

    return declare
