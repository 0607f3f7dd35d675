"""How a Link finds its broker, keeps it, notices that it is gone, and finds it again."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from shared.errors import BrokerDown
from shared.link import Accepted, LinkState, LinkStatus, SharedQueue
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.links import Inbox, linked, publish_and_wait, settings_for
from tests.support.proxy import Proxy, proxied
from tests.support.rabbit import Rabbit, rabbit_at

DEAD = "amqp://u:p@127.0.0.1:1/"  # nobody listens there


@pytest.fixture
def rabbit(fresh_broker: Broker) -> Iterator[Rabbit]:
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        rabbit.queue("q")
        yield rabbit


@pytest.fixture
def proxy(fresh_broker: Broker) -> Iterator[Proxy]:
    with proxied(fresh_broker.amqp_url) as proxy:
        yield proxy


def test_it_opens_one_connection_to_publish_and_one_to_consume_and_says_who_it_is(
    proxy: Proxy, rabbit: Rabbit, fresh_broker: Broker
) -> None:
    with linked(settings_for(proxy.url)):
        assert proxy.accepted == 1
    with linked(settings_for(proxy.url), SharedQueue("q", 1, Inbox())) as link:
        assert proxy.accepted == 3
        assert link.capabilities is not None
        assert link.capabilities.version >= (3, 10, 0)
        assert rabbit.consumers("q") == 1
        name = f"fairway test {socket.gethostname()}:"
        named = eventually(lambda: [one for one in fresh_broker.connections() if name in str(one.get("client_properties"))], 15)
        assert len(named) in {1, 2}
    assert rabbit.consumers("q") == 0


def test_it_does_without_uvloop(proxy: Proxy, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.link.link.new_event_loop", asyncio.new_event_loop)
    inbox = Inbox()
    with linked(settings_for(proxy.url), SharedQueue("q", 10, inbox)) as link:
        assert publish_and_wait(link, "q", body=b"x" * 300_000) == Accepted()
        inbox.wait(1)
        proxy.cut()
        link.ack(inbox.wait(2)[1])
    assert rabbit.ready("q") == 0


@pytest.mark.usefixtures("rabbit")
def test_a_dead_address_among_several_does_no_harm(fresh_broker: Broker) -> None:
    for url in (f"{DEAD},{fresh_broker.amqp_url}", f"{fresh_broker.amqp_url},{DEAD}"):
        with linked(settings_for(url), SharedQueue("q", 1, Inbox())) as link:
            assert link.status.healthy


def test_it_tries_without_an_end_and_says_why_not(proxy: Proxy) -> None:
    proxy.refuse()
    tries: list[int] = []

    def backoff(attempt: int) -> float:
        tries.append(attempt)
        return 0.001

    with linked(settings_for(proxy.url), healthy=False, backoff=backoff) as link:
        eventually(lambda: len(tries) >= 50)
        assert tries == list(range(1, len(tries) + 1))
        with pytest.raises(BrokerDown, match=r"connecting: 127\.0\.0\.1:\d+: .*refused"):
            link.wait_healthy(0.05)
        proxy.accept()
        link.wait_healthy(10)
        tries.clear()
        proxy.cut()
        eventually(lambda: tries)
        assert tries[0] == 1, "a session that was open begins the count anew"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"username": "nobody"}, "ACCESS_REFUSED"),
        ({"path": "/no-such-vhost"}, "vhost|NOT_ALLOWED"),
        ({"host": "no.such.host.invalid"}, "no.such.host"),
    ],
)
def test_why_it_is_not_let_in_is_said_in_words(change: dict[str, str], words: str, fresh_broker: Broker) -> None:
    url = fresh_broker.amqp_url
    if "username" in change:
        url = url.replace("amqp://", "amqp://nobody-", 1)
    elif "path" in change:
        url = url.rpartition("/")[0] + change["path"]
    else:
        url = url.replace("127.0.0.1", change["host"])
    with linked(settings_for(url), healthy=False) as link:
        eventually(lambda: link.status.detail)
        with pytest.raises(BrokerDown, match=words):
            link.wait_healthy(0.05)


@pytest.mark.usefixtures("rabbit")
def test_status_changes_are_told_one_by_one(proxy: Proxy) -> None:
    told: list[LinkStatus] = []
    with linked(settings_for(proxy.url), SharedQueue("q", 1, Inbox()), on_status=told.append) as link:
        proxy.cut()
        eventually(lambda: sum(status.healthy for status in told) == 2)
        assert link.status.healthy
    states = [status.state for status in told]
    assert states[0] is LinkState.CONNECTING
    assert states[-1] is LinkState.STOPPED
    assert LinkState.OPENING in states
    assert all(one != other for one, other in pairwise(told))
    assert all(status.detail for status in told[states.index(LinkState.HEALTHY) + 1 :] if status.state is LinkState.CONNECTING)


def test_a_stalled_connection_is_given_up_after_two_heartbeats(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url, heartbeat=1), SharedQueue("q", 1, inbox)) as link:
        began = time.monotonic()
        proxy.stall()
        eventually(lambda: not link.status.healthy)
        assert 1.0 <= time.monotonic() - began < 3.0
        proxy.cut()
        proxy.flow()
        link.wait_healthy(10)
        rabbit.put("q", b"x")
        inbox.wait(1)


@pytest.mark.usefixtures("rabbit")
def test_a_connection_on_which_nothing_happens_stays(proxy: Proxy) -> None:
    """Heartbeats alone keep it alive, in both directions: the broker would give us up after three."""
    with linked(settings_for(proxy.url, heartbeat=1), SharedQueue("q", 1, Inbox())) as link:
        before = proxy.passed["down"]
        eventually(lambda: proxy.passed["down"] >= before + 2 * 8 * 7, 15)  # seven heartbeats of 8 bytes on each
        assert link.status.healthy
    assert proxy.accepted == 2


def test_a_message_that_takes_longer_than_two_heartbeats_on_the_wire_is_life_too(proxy: Proxy, rabbit: Rabbit) -> None:
    inbox = Inbox()
    with linked(settings_for(proxy.url, heartbeat=1), SharedQueue("q", 1, inbox)):
        proxy.slow(12_000)
        rabbit.put("q", b"x" * 40_000)
        inbox.wait(1, 15)
        proxy.slow(None)
    assert proxy.accepted == 2


@pytest.mark.usefixtures("rabbit")
@pytest.mark.parametrize("moment", ["at once", "refused", "no greeting", "stalled"])
def test_stopping_is_quick_whatever_it_is_doing(moment: str, proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    if moment == "refused":
        proxy.refuse()
    elif moment == "no greeting":
        proxy.stall()
    with caplog.at_level(logging.ERROR, "asyncio"), linked(settings_for(proxy.url), SharedQueue("q", 1, Inbox()), healthy=False) as link:
        if moment == "refused":
            eventually(lambda: "refused" in link.status.detail)
        elif moment == "no greeting":
            eventually(lambda: proxy.accepted == 2)
        elif moment == "stalled":
            link.wait_healthy(10)
            proxy.stall()
        began = time.monotonic()
        link.stop()
        assert time.monotonic() - began < 3
    assert not [record for record in caplog.records if record.name == "asyncio"], "something was left behind"


def test_a_restart_of_the_broker_is_survived_without_help(own_broker: Broker) -> None:
    inbox = Inbox()
    with own_broker.fresh_vhost() as broker:
        with rabbit_at(broker.amqp_url) as rabbit:
            rabbit.queue("kept")
            rabbit.put("kept", b"before")
        with linked(settings_for(broker.amqp_url, heartbeat=2), SharedQueue("kept", 5, inbox)) as link:
            (before,) = inbox.wait(1)
            own_broker.stop()
            assert not link.status.healthy
            own_broker.start()
            link.wait_healthy(15)
            link.ack(before)
            assert publish_and_wait(link, "kept") == Accepted()
            assert [delivery.message.body for delivery in inbox.wait(3)[1:]] == [b"before", b"{}"]
