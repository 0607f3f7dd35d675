"""Consuming through a Link from a real broker: what is handed out, settled, given back, and found again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.errors import BrokerDown
from shared.link import LinkState, SharedQueue
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.links import Inbox, linked, settings_for
from tests.support.proxy import Proxy, proxied
from tests.support.rabbit import Rabbit, rabbit_at


@pytest.fixture
def rabbit(fresh_broker: Broker) -> Iterator[Rabbit]:
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        rabbit.queue("q")
        yield rabbit


@pytest.fixture
def proxy(fresh_broker: Broker) -> Iterator[Proxy]:
    with proxied(fresh_broker.amqp_url) as proxy:
        yield proxy


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(start, start + count)]


def test_what_is_acked_is_gone_and_the_rest_comes_again(fresh_broker: Broker, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(10))
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 10, inbox)) as link:
        for delivery in inbox.wait(10):
            if int(delivery.message.body) % 3:
                link.ack(delivery)
    assert [found.body for found in rabbit.take("q", 4)] == [b"0", b"3", b"6", b"9"]


def test_every_order_of_acks_leaves_the_channel_open(proxy: Proxy, rabbit: Rabbit) -> None:
    """The finished ones of a turn go out in that turn, by one `multiple` and singles; none twice."""
    inbox = Inbox()
    with linked(settings_for(proxy.url), SharedQueue("q", 50, inbox)) as link:
        for turn in range(20):
            rabbit.put("q", *numbered(50, turn * 50))
            deliveries = inbox.wait((turn + 1) * 50)[-50:]
            for delivery in sorted(deliveries, key=lambda delivery: (delivery.tag * (7 + turn)) % 50):
                link.ack(delivery)
                link.ack(delivery)
        assert len(inbox) == 1000
        eventually(lambda: rabbit.ready("q") == 0)
        assert link.status.healthy
    assert proxy.accepted == 2
    assert len({delivery.origin for delivery in inbox.deliveries}) == 1
    assert rabbit.ready("q") == 0


def test_one_long_job_does_not_shut_the_window(fresh_broker: Broker, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(30))
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 3, inbox)) as link:
        for turn in range(29):
            link.ack(inbox.wait(2 + turn)[turn + 1])
    assert [found.body for found in rabbit.take("q", 1)] == [b"0"]


def test_what_is_given_back_comes_again_at_once(fresh_broker: Broker, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", b"x")
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 1, inbox)) as link:
        (first,) = inbox.wait(1)
        link.give_back(first)
        second = inbox.wait(2)[1]
        assert (first.redelivered, first.deliveries) == (False, 1)
        assert (second.redelivered, second.deliveries) == (True, 2)
        link.ack(second)
    assert rabbit.ready("q") == 0


def test_after_a_cut_it_comes_again_and_acks_of_the_old_session_are_never_sent(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(3))
    with linked(settings_for(proxy.url), SharedQueue("q", 10, inbox)) as link:
        old = inbox.wait(3)
        proxy.cut()
        new = inbox.wait(6)[3:]
        assert {delivery.message.body for delivery in new} == {b"0", b"1", b"2"}
        assert all(delivery.redelivered and delivery.deliveries == 2 for delivery in new)
        assert not any(delivery.origin.is_open for delivery in old)
        for delivery in old:
            link.ack(delivery)
            link.give_back(delivery)
        rabbit.put("q", b"3")
        last = inbox.wait(7)[6]
        assert link.status.healthy
        assert all(delivery.origin is last.origin for delivery in new), "the channel was lost once more"
        link.ack(last)
    assert len(rabbit.take("q", 3)) == 3


def test_a_queue_that_is_deleted_is_consumed_again_as_soon_as_it_is_made_again(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox, other = Inbox(), Inbox()
    rabbit.queue("other")
    rabbit.put("q", b"before")
    with linked(settings_for(proxy.url), SharedQueue("q", 10, inbox), SharedQueue("other", 10, other)) as link:
        (before,) = inbox.wait(1)
        rabbit.delete("q")
        eventually(lambda: "no queue 'q'" in link.status.detail)
        assert link.status.state is LinkState.OPENING
        assert "`fairway topology apply` makes it" in link.status.detail
        rabbit.put("other", b"goes on")
        assert other.wait(1)[0].origin.is_open
        rabbit.queue("q")
        link.wait_healthy(10)
        rabbit.put("q", b"after")
        assert inbox.wait(2)[1].message.body == b"after"
        link.ack(before)
        assert link.status.healthy
    assert proxy.accepted == 2, "a lost consumer cost a connection"


def test_a_missing_queue_is_said_and_tried_one_time_after_the_other_until_it_is_made(fresh_broker: Broker, rabbit: Rabbit) -> None:
    tries: list[int] = []

    def backoff(attempt: int) -> float:
        tries.append(attempt)
        return 0.01

    inbox = Inbox()
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("late", 1, inbox), healthy=False, backoff=backoff) as link:
        with pytest.raises(BrokerDown, match=r"opening: missing: 404 NOT_FOUND - no queue 'late'.*fairway topology apply"):
            link.wait_healthy(0.5)
        eventually(lambda: len(tries) > 20)
        assert tries == list(range(1, len(tries) + 1)), "two at once"
        rabbit.queue("late")
        link.wait_healthy(10)
        rabbit.put("late", b"x")
        inbox.wait(1)
        assert rabbit.consumers("late") == 1


def test_more_prefetch_takes_effect_keeps_what_is_out_and_brings_no_more_than_that(fresh_broker: Broker, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(50))
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 2, inbox)) as link:
        inbox.wait(2)
        for prefetch in (3, 10, 5, 20):  # the last one asked for counts
            link.set_prefetch("q", prefetch)
        inbox.wait(20)
        assert len(rabbit.take("q")) == 30
        for delivery in inbox.deliveries:
            assert delivery.origin.is_open
            link.ack(delivery)
        rabbit.put("q", *numbered(30, 50))
        inbox.wait(40)
        assert len(rabbit.take("q")) == 10
    assert inbox.bodies[:20] == numbered(20)
    assert not any(delivery.redelivered for delivery in inbox.deliveries)


def test_less_prefetch_takes_effect_and_keeps_what_is_out(fresh_broker: Broker, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(4))
    with linked(settings_for(fresh_broker.amqp_url), SharedQueue("q", 4, inbox)) as link:
        inbox.wait(4)
        link.set_prefetch("q", 1)
        rabbit.put("q", *numbered(6, 4))
        inbox.wait(5)
        for delivery in inbox.deliveries[:4]:
            assert delivery.origin.is_open
            link.ack(delivery)
        eventually(lambda: rabbit.consumers("q") == 1)
        assert len(inbox) == 5
        link.ack(inbox.deliveries[4])
        inbox.wait(6)
        assert len(rabbit.take("q")) == 4


def test_a_prefetch_that_changes_while_the_link_opens_is_not_forgotten(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url), SharedQueue("q", 1, inbox)) as link:
        proxy.slow(4000)
        proxy.cut()
        eventually(lambda: link.status.state is LinkState.OPENING)
        link.set_prefetch("q", 5)
        proxy.slow(None)
        rabbit.put("q", *numbered(10))
        inbox.wait(5)
        assert len(rabbit.take("q")) == 5


def test_stop_taking_is_for_good_and_what_is_out_can_still_be_settled(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    rabbit.put("q", *numbered(2))
    with linked(settings_for(proxy.url), SharedQueue("q", 5, inbox)) as link:
        inbox.wait(2)
        link.set_prefetch("q", 7)
        link.set_prefetch("q", 3)
        link.stop_taking()
        link.set_prefetch("q", 9)
        for delivery in inbox.deliveries:
            assert delivery.origin.is_open
            link.ack(delivery)
        eventually(lambda: rabbit.consumers("q") == 0)  # a cancelled one counts as long as it has something out
        rabbit.put("q", *numbered(3, 2))
        proxy.cut()
        eventually(lambda: proxy.accepted == 4)
        link.wait_healthy(10)
        assert rabbit.consumers("q") == 0
    assert len(inbox) == 2
    assert sorted(found.body for found in rabbit.take("q", 3)) == numbered(3, 2)
