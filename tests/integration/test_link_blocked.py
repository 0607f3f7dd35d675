"""A broker short of memory: publishers are told at once, consumers go on, and nothing is kept that was refused."""

from __future__ import annotations

import time

from shared.link import Accepted, LinkState, Refused, SharedQueue, Unknown
from tests.support.alarm import calm, memory_alarm
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.links import Inbox, Outcomes, linked, publish, publish_and_wait, settings_for
from tests.support.rabbit import rabbit_at


def test_an_alarm_is_heard_at_once_and_acks_go_on_under_it(own_broker: Broker) -> None:
    inbox, outcomes = Inbox(), Outcomes()
    with own_broker.fresh_vhost() as broker, rabbit_at(broker.amqp_url) as rabbit:
        rabbit.queue("jobs")
        rabbit.queue("replies")
        rabbit.put("jobs", b"1", b"2", b"3")
        settings = settings_for(broker.amqp_url, heartbeat=1, confirm_timeout=20, window=2)
        with linked(settings, SharedQueue("jobs", 1, inbox)) as link:
            (first,) = inbox.wait(1)
            with memory_alarm(own_broker):
                # The first publish after an alarm is what makes the broker say it; what waits behind it was never sent.
                began = time.monotonic()
                for number in range(4):
                    publish(link, outcomes, str(number), "replies")
                outcomes.wait(4)
                assert time.monotonic() - began < 5
                assert outcomes.ids(Unknown) == ["0", "1"]
                assert outcomes.ids(Refused) == ["2", "3"]
                assert link.status.state is LinkState.BLOCKED
                assert "memory" in link.status.detail

                refused = publish_and_wait(link, "replies")
                assert isinstance(refused, Refused)
                assert refused.away
                assert "memory" in refused.reason

                link.ack(first)
                second = inbox.wait(2)[1]
                link.ack(second)
                third = inbox.wait(3)[2]
                calm(own_broker)
                eventually(lambda: link.status.healthy)
            assert publish_and_wait(link, "replies", id="after") == Accepted()
            link.ack(third)
            assert third.origin is first.origin, "the consume connection was lost"
        assert [found.properties.message_id for found in rabbit.take("replies", 3)] == ["0", "1", "after"]
        assert rabbit.ready("jobs") == 0
        assert outcomes.are_single()


def test_a_connection_that_is_cut_while_it_is_blocked_is_not_blocked_any_more(own_broker: Broker) -> None:
    with own_broker.fresh_vhost() as broker, rabbit_at(broker.amqp_url) as rabbit:
        rabbit.queue("q")
        with linked(settings_for(broker.amqp_url)) as link:
            with memory_alarm(own_broker):
                publish_and_wait(link, "q")
                assert link.status.state is LinkState.BLOCKED
                (name,) = eventually(
                    lambda: [str(one["name"]) for one in broker.connections() if "test" in str(one.get("client_properties"))], 15
                )
                broker.delete_connection(name)
                eventually(lambda: link.status.healthy)
                assert isinstance(publish_and_wait(link, "q", id="two"), Unknown)
            eventually(lambda: link.status.healthy)
            assert publish_and_wait(link, "q", id="three") == Accepted()
