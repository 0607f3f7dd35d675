"""Queues that a client makes for itself, one for each session: what came while it was away is not lost, and nothing comes twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pika.spec import BasicProperties

from shared.errors import BrokerDown
from shared.link import LinkState, OwnQueue
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.links import Inbox, linked, settings_for
from tests.support.proxy import Proxy, proxied
from tests.support.rabbit import Rabbit, rabbit_at

EXCHANGE, KEY = "replies", "r.me"


@pytest.fixture
def rabbit(fresh_broker: Broker) -> Iterator[Rabbit]:
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        rabbit.exchange(EXCHANGE)
        yield rabbit


@pytest.fixture
def proxy(fresh_broker: Broker) -> Iterator[Proxy]:
    with proxied(fresh_broker.amqp_url) as proxy:
        yield proxy


def own_queue(inbox: Inbox, *, exclusive: bool = False) -> OwnQueue:
    arguments: dict[str, str | int] = {} if exclusive else {"x-queue-type": "classic", "x-expires": 2000}
    return OwnQueue("reply.me", EXCHANGE, KEY, 100, inbox, exclusive, arguments)


def reply(rabbit: Rabbit, *bodies: str) -> None:
    for body in bodies:
        rabbit.send(EXCHANGE, KEY, body.encode(), BasicProperties())


def test_what_is_sent_to_the_key_arrives(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)):
        reply(rabbit, "1", "2")
        assert [(one.message.body, one.queue) for one in inbox.wait(2)] == [(b"1", "reply.me"), (b"2", "reply.me")]


def test_what_is_sent_while_it_is_away_arrives_once_and_what_comes_after_too(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)) as link:
        proxy.refuse()
        eventually(lambda: not link.status.healthy)
        reply(rabbit, "away")
        proxy.accept()
        link.wait_healthy(10)
        inbox.wait(1)
        reply(rabbit, "back", "again")
        for delivery in inbox.wait(3):
            link.ack(delivery)
        assert sorted(inbox.bodies) == [b"again", b"away", b"back"]
        eventually(lambda: rabbit.exists("reply.me.2"))
    assert sorted(inbox.bodies) == [b"again", b"away", b"back"]


def test_what_is_sent_while_one_session_after_the_other_fails_arrives(proxy: Proxy, rabbit: Rabbit) -> None:
    """The second session is lost before it has a queue of its own: the third drains the first one's."""
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)) as link:
        proxy.slow(4000)
        proxy.cut()
        eventually(lambda: link.status.state is LinkState.OPENING)
        proxy.refuse()
        assert not rabbit.exists("reply.me.2"), "the test came too late"
        reply(rabbit, "away")
        proxy.slow(None)
        proxy.accept()
        link.wait_healthy(10)
        inbox.wait(1)
    assert inbox.bodies == [b"away"]


def test_what_was_delivered_and_not_acked_before_the_cut_comes_again(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)):
        reply(rabbit, "1")
        inbox.wait(1)
        proxy.cut()
        assert inbox.wait(2)[1].redelivered
    assert inbox.bodies == [b"1", b"1"]


def test_many_reconnects_leave_few_queues_to_drain(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)) as link:
        for session in range(2, 8):
            proxy.cut()
            eventually(lambda session=session: rabbit.exists(f"reply.me.{session}"))  # type: ignore[misc]
            link.wait_healthy(10)
        reply(rabbit, "1")
        inbox.wait(1)
        consumed = [session for session in range(1, 8) if rabbit.exists(f"reply.me.{session}") and rabbit.consumers(f"reply.me.{session}")]
        assert consumed == [4, 5, 6, 7]
    assert inbox.bodies == [b"1"]


def test_a_reply_queue_that_somebody_deletes_is_made_again(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox)) as link:
        rabbit.delete("reply.me.1")
        eventually(lambda: rabbit.exists("reply.me.1"))
        link.wait_healthy(10)
        reply(rabbit, "1")
        inbox.wait(1)
    assert proxy.accepted == 2


def test_an_exclusive_one_ends_with_its_connection(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox, exclusive=True)) as link:
        proxy.cut()
        eventually(lambda: proxy.accepted == 4)
        link.wait_healthy(10)
        reply(rabbit, "1")
        inbox.wait(1)
        eventually(lambda: not rabbit.exists("reply.me.1"))


def test_a_missing_exchange_is_said(proxy: Proxy, rabbit: Rabbit) -> None:
    rabbit.delete_exchange(EXCHANGE)
    inbox = Inbox()
    with linked(settings_for(proxy.url), own_queue(inbox), healthy=False) as link:
        with pytest.raises(BrokerDown, match=r"missing: 404 NOT_FOUND - no exchange 'replies'.*fairway topology apply"):
            link.wait_healthy(0.5)
        rabbit.exchange(EXCHANGE)
        link.wait_healthy(10)
        reply(rabbit, "1")
        inbox.wait(1)
