"""Raw poison on a real queue: the connection lives, each message arrives, and the ones beside it are jobs as before."""

from __future__ import annotations

import aio_pika
import pytest

from shared.errors import Problem, Unreadable
from shared.link import Accepted, Delivery, Publication, SharedQueue
from shared.wire import dead_letter, handed_back, unpack_job
from tests.support.broker import Broker
from tests.support.links import Inbox, Outcomes, linked, settings_for
from tests.support.poison import odd, poison, raw
from tests.support.proxy import proxied
from tests.support.rabbit import Rabbit, rabbit_at

KINDS = {**poison(b"some.job"), **odd(b"some.job")}
PROBLEM = Problem("unreadable", "The message is not a job.", "é" * 5000)


def readable(delivery: Delivery) -> bool:
    try:
        return unpack_job(delivery.message, "q").type == "some.job"
    except Unreadable:
        return False


def put_all(rabbit: Rabbit, queue: str) -> None:
    """Each kind, and a good neighbour after it."""
    rabbit.queue(queue)
    for number, (name, properties) in enumerate(KINDS.items()):
        rabbit.put(queue, name.encode(), properties=properties)
        rabbit.put(queue, b"neighbour", properties=raw(b"some.job", b"n%d" % number))


def test_poison_costs_no_connection_and_none_of_its_neighbours(fresh_broker: Broker) -> None:
    inbox = Inbox()
    with rabbit_at(fresh_broker.amqp_url) as rabbit, proxied(fresh_broker.amqp_url) as proxy:
        put_all(rabbit, "q")
        with linked(settings_for(proxy.url), SharedQueue("q", 100, inbox)) as link:
            inbox.wait(2 * len(KINDS))
            assert link.status.healthy
            for delivery in inbox.deliveries:
                link.ack(delivery)
        assert proxy.accepted == 2
        assert rabbit.ready("q") == 0
    wrong = {delivery.message.body.decode() for delivery in inbox.deliveries if not readable(delivery)}
    assert wrong == set(poison(b"some.job"))
    assert inbox.bodies.count(b"neighbour") == len(KINDS)


async def test_each_of_it_can_be_sent_to_the_dead_letters_and_be_read_there_by_a_weaker_reader(fresh_broker: Broker) -> None:
    inbox, outcomes = Inbox(), Outcomes()
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        put_all(rabbit, "q")
        rabbit.queue("dead")
        rabbit.queue("back")
        with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 100, inbox)) as link:
            for number, delivery in enumerate(inbox.wait(2 * len(KINDS))):
                message = delivery.message
                link.publish(
                    Publication("", "dead", dead_letter(message, PROBLEM, queue="default", worker="worker", recorded=False)),
                    outcomes.of(f"dead {number}"),
                )
                link.publish(Publication("", "back", handed_back(message)), outcomes.of(f"back {number}"))
            outcomes.wait(4 * len(KINDS))
        assert len(outcomes.ids(Accepted)) == 4 * len(KINDS), [name for name in outcomes.all if outcomes[name] != Accepted()]
    async with await aio_pika.connect(fresh_broker.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.get_queue("dead")
        for _ in range(2 * len(KINDS)):
            await queue.get(no_ack=True, timeout=5)


@pytest.mark.parametrize("name", KINDS)
def test_the_problem_of_a_dead_letter_is_there_whatever_else_is(name: str, fresh_broker: Broker) -> None:
    inbox = Inbox()
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        rabbit.queue("q")
        rabbit.put("q", b"", properties=KINDS[name])
        with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 1, inbox)):
            (delivery,) = inbox.wait(1)
    headers = dead_letter(delivery.message, PROBLEM, queue="default", worker="worker", recorded=False).headers
    assert "unreadable" in str(headers["fairway-problem"])
    assert headers["fairway-worker"] == "worker"
