"""The topology on a real RabbitMQ, tried with real messages: each ends where it should, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.control.apply import apply
from shared.control.connect import channel_of, connected
from shared.settings import Settings
from shared.topology import DELIVERY_LIMIT
from tests.support.broker import Broker

QUEUES = ("images", "mails")
DEADLINE = 10.0  # seconds; reached only by a test that fails


@pytest.fixture
def settings(fresh_broker: Broker) -> Settings:
    return Settings.model_validate({"amqp_url": fresh_broker.amqp_url, "management_url": fresh_broker.management_url})


@pytest.fixture
async def channel(settings: Settings) -> AsyncIterator[AbstractChannel]:
    """A channel on a broker that has the topology."""
    await apply(settings, QUEUES)
    async with connected(settings, "test") as connection, channel_of(connection) as opened:
        await opened.set_qos(prefetch_count=1)  # `take` takes one, and holds it until it is settled
        yield opened


async def publish(channel: AbstractChannel, exchange: str, key: str, body: bytes) -> None:
    """Confirmed and mandatory: a message that no queue takes raises."""
    into = await channel.get_exchange(exchange, ensure=False)
    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, message_id=body.decode())
    await into.publish(message, key, mandatory=True, timeout=DEADLINE)


async def take(channel: AbstractChannel, queue: str) -> AbstractIncomingMessage:
    """The next message of a queue, which may still be on its way there."""
    source = await channel.declare_queue(queue, passive=True, timeout=DEADLINE)
    async with source.iterator(timeout=DEADLINE) as messages:
        return await anext(aiter(messages))


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.declare_queue(queue, passive=True, timeout=DEADLINE)).declaration_result.message_count or 0


async def test_a_job_lies_on_its_queue_alone(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.jobs", "mails", b"a1")
    assert (await take(channel, "fairway.q.mails")).body == b"a1"
    assert await depth(channel, "fairway.q.images") == 0


async def test_a_job_for_an_unknown_queue_is_refused_at_once(channel: AbstractChannel) -> None:
    with pytest.raises(aio_pika.exceptions.PublishError):
        await publish(channel, "fairway.jobs", "nobody", b"a1")


async def test_a_rejected_job_lies_with_the_dead_and_is_recorded(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.jobs", "mails", b"a1")
    await (await take(channel, "fairway.q.mails")).nack(requeue=False)
    for queue in ("fairway.dead.mails", "fairway.records"):
        letter = await take(channel, queue)
        assert (letter.body, letter.routing_key, letter.message_id) == (b"a1", "mails", "a1")
        assert letter.headers["x-first-death-reason"] == "rejected"
    assert await depth(channel, "fairway.lost") == 0


async def test_a_job_given_back_too_often_lies_with_the_dead_and_is_recorded(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.jobs", "mails", b"a1")
    for _ in range(DELIVERY_LIMIT + 1):
        await (await take(channel, "fairway.q.mails")).nack(requeue=True)
    for queue in ("fairway.dead.mails", "fairway.records"):
        letter = await take(channel, queue)
        assert (letter.body, letter.headers["x-first-death-reason"]) == (b"a1", "delivery_limit")
    assert await depth(channel, "fairway.q.mails") == 0


async def test_a_dead_letter_that_was_delayed_finds_its_queue(channel: AbstractChannel) -> None:
    for key in ("1." * 22 + "mails", "1." * 22 + "mails.high", "mails.low"):
        await publish(channel, "fairway.dead", key, key.encode())
        assert (await take(channel, "fairway.dead.mails")).body == key.encode()
    assert await depth(channel, "fairway.lost") == 0


async def test_a_dead_letter_without_a_queue_lies_in_lost_and_is_recorded(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.dead", "nobody", b"a1")
    assert (await take(channel, "fairway.lost")).body == b"a1"
    assert (await take(channel, "fairway.records")).body == b"a1"


async def test_a_dead_letter_whose_queue_was_deleted_lies_in_lost(channel: AbstractChannel) -> None:
    await channel.queue_delete("fairway.dead.mails")
    await publish(channel, "fairway.jobs", "mails", b"a1")
    await (await take(channel, "fairway.q.mails")).nack(requeue=False)
    assert (await take(channel, "fairway.lost")).body == b"a1"
    assert (await take(channel, "fairway.records")).body == b"a1"


async def test_a_reply_for_nobody_is_recorded(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.replies", "r.none", b"a1")
    assert (await take(channel, "fairway.records")).body == b"a1"


async def test_a_record_that_cannot_be_kept_lies_in_lost_and_does_not_come_back(channel: AbstractChannel) -> None:
    await publish(channel, "fairway.replies", "r.none", b"a1")
    await (await take(channel, "fairway.records")).nack(requeue=False)
    assert (await take(channel, "fairway.lost")).body == b"a1"
    assert await depth(channel, "fairway.records") == 0


async def test_without_records_replies_for_nobody_are_refused_and_lost_still_takes_the_rest(settings: Settings) -> None:
    off = settings.model_copy(update={"records_url": "off"})
    await apply(off, QUEUES)
    async with connected(off, "test") as connection, channel_of(connection) as opened:
        await publish(opened, "fairway.dead", "nobody", b"a1")
        assert (await take(opened, "fairway.lost")).body == b"a1"
        with pytest.raises(aio_pika.exceptions.PublishError):
            await publish(opened, "fairway.replies", "r.none", b"a2")
