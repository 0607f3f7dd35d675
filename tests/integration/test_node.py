"""The private node for real: it greets, keeps its data over a restart, refuses guest, and leaves nothing behind."""

from __future__ import annotations

import aio_pika
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity

from tests.support.broker import Broker


async def test_a_run_has_a_vhost_of_its_own(broker: Broker) -> None:
    async with await aio_pika.connect(broker.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("here", exclusive=True)
        assert queue.declaration_result.message_count == 0


async def test_fresh_vhosts_do_not_meet(broker: Broker, fresh_broker: Broker) -> None:
    assert broker.vhost != fresh_broker.vhost
    async with await aio_pika.connect(fresh_broker.amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("only-here", exclusive=True)
        async with await aio_pika.connect(broker.amqp_url) as other, other.channel() as elsewhere:
            with pytest.raises(ChannelNotFoundEntity):
                await elsewhere.declare_queue("only-here", passive=True)
