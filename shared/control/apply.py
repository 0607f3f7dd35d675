"""Make what the topology wants. Safe to repeat; never changes or deletes what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn, assert_never

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelClosed, ChannelPreconditionFailed

from shared.control.connect import DEADLINE, capabilities_of, channel_of, connected
from shared.control.difference import Line, shown, thing, things
from shared.control.plan import wanted_of
from shared.control.seen import seen_over_amqp
from shared.errors import NotConfigured, TopologyDiffers
from shared.settings import Settings
from shared.topology import Binding, Exchange, Queue, Relay

# PRECONDITION_FAILED - inequivalent arg 'x-overflow' for queue 'q' in vhost '/': received none but current is ...
INEQUIVALENT = re.compile(r"inequivalent arg '(?P<argument>[^']+)' for \w+ '.*?' in vhost '.*?': (?P<values>.*)", re.DOTALL)


async def apply(settings: Settings, queues: Iterable[str]) -> list[Exchange | Queue]:
    """Declare what must exist for `queues`, and bind it; returns the exchanges and queues that were missing.

    Raises `TopologyDiffers` where one is there with other arguments, `NotConfigured` where the
    user of FAIRWAY_AMQP_URL may not declare, `BrokerDown` where the broker can't be reached.
    What was made before an error stays, and the next `apply` goes on from there.
    """
    async with connected(settings, "topology") as connection:
        wanted = wanted_of(settings, queues, capabilities_of(connection))
        before = await seen_over_amqp(connection, things(wanted))
        async with channel_of(connection) as channel:
            for item in wanted.named:
                await _make(channel, item)
            for line in wanted.lines:
                await _make(channel, line)
    return [item for item in wanted.named if thing(item) not in before.things]


async def _make(channel: AbstractChannel, item: Exchange | Queue | Line) -> None:
    try:
        await _declare(channel, item)
    except ChannelClosed as error:
        _explain(item, error)


async def _declare(channel: AbstractChannel, item: Exchange | Queue | Line) -> None:
    match item:
        case Exchange():
            await channel.declare_exchange(item.name, item.kind, durable=True, arguments=dict(item.arguments), timeout=DEADLINE)
        case Queue():
            await channel.declare_queue(item.name, durable=True, arguments=dict(item.arguments), timeout=DEADLINE)
        case Relay():
            exchange = await channel.get_exchange(item.exchange, ensure=False)
            await exchange.bind(item.source, item.key, timeout=DEADLINE)
        case Binding():
            queue = await channel.get_queue(item.queue, ensure=False)
            await queue.bind(item.exchange, item.key, timeout=DEADLINE)
        case _:
            assert_never(item)


def _explain(item: Exchange | Queue | Line, error: ChannelClosed) -> NoReturn:
    what = f"the binding {shown(item)}" if isinstance(item, Relay | Binding) else " ".join(thing(item))
    found = INEQUIVALENT.search(str(error)) if isinstance(error, ChannelPreconditionFailed) else None
    if found:
        raise TopologyDiffers(
            f"{what} is there with another {found['argument']} ({found['values']}). RabbitMQ can't change it: empty it,"
            f" delete it, and apply again; or choose another FAIRWAY_PREFIX"
        ) from error
    raise NotConfigured(f"the broker of FAIRWAY_AMQP_URL refuses {what}: {error}") from error
