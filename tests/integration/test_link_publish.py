"""Publishing through a Link to a real broker: each outcome of the closed set, by its deadline, once."""

from __future__ import annotations

import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from pika.spec import BasicProperties

from shared.link import Accepted, Link, LinkState, Publication, Refused, Unknown, Unroutable
from shared.message import HeaderValue, Message
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.links import Outcomes, linked, publish, publish_and_wait, settings_for
from tests.support.proxy import Proxy, proxied
from tests.support.rabbit import Rabbit, rabbit_at


@pytest.fixture
def rabbit(fresh_broker: Broker) -> Iterator[Rabbit]:
    with rabbit_at(fresh_broker.amqp_url) as rabbit:
        yield rabbit


@pytest.fixture
def link(fresh_broker: Broker) -> Iterator[Link]:
    with linked(settings_for(fresh_broker.amqp_url)) as link:
        yield link


def test_what_a_queue_takes_is_accepted_and_is_there_persistent(link: Link, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    assert publish_and_wait(link, "q", body=b"x" * 1_000_000) == Accepted()
    (found,) = rabbit.take("q")
    assert found.body == b"x" * 1_000_000
    assert (found.properties.message_id, found.properties.delivery_mode, found.properties.app_id) == ("one", 2, "fairway")


def test_what_no_queue_takes_is_unroutable_unless_nobody_cares(link: Link) -> None:
    outcome = publish_and_wait(link, "nowhere")
    assert isinstance(outcome, Unroutable)
    assert "'nowhere'" in outcome.reason
    outcomes = Outcomes()
    link.publish(Publication("", "nowhere", Message(b""), mandatory=False), outcomes.of("two"))
    outcomes.wait(1)
    assert outcomes["two"] == Accepted()


def test_one_id_under_way_to_two_places_is_told_apart(link: Link, rabbit: Rabbit) -> None:
    """A return carries no tag, and a confirm may be for several."""
    rabbit.queue("q")
    somewhere, nowhere = Outcomes(), Outcomes()
    for turn in range(50):
        link.publish(Publication("", "q", Message(b"", id="same")), somewhere.of(str(turn)))
        link.publish(Publication("", "nowhere", Message(b"", id="same")), nowhere.of(str(turn)))
    somewhere.wait(50)
    nowhere.wait(50)
    assert len(somewhere.ids(Accepted)) == 50
    assert len(nowhere.ids(Unroutable)) == 50
    assert rabbit.ready("q") == 50


def test_a_queue_that_is_full_refuses(link: Link, rabbit: Rabbit) -> None:
    rabbit.queue("full", x_max_length=1, x_overflow="reject-publish")
    rabbit.put("full", b"1")
    eventually(lambda: isinstance(publish_and_wait(link, "full"), Refused), what=lambda: "the limit is a soft one")
    outcome = publish_and_wait(link, "full")
    assert outcome == Refused("the broker refused it (nack)")


def test_what_cannot_be_encoded_is_refused_and_the_next_one_goes_through(link: Link, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    bad = {
        "long type": Message(b"", id="1", type="x" * 256),
        "long id": Message(b"", id="x" * 256),
        "far number": Message(b"", id="2", headers={"n": 2**70}),
        "odd value": Message(b"", id="3", headers={"n": object()}),  # type: ignore[dict-item]
        "no timestamp": Message(b"", id="4", timestamp=-1),
    }
    for name, message in bad.items():
        link.publish(Publication("", "q", message), outcomes.of(name))
        publish(link, outcomes, f"after {name}", "q")
    link.publish(Publication("", "q" * 256, Message(b"", id="5")), outcomes.of("long key"))
    publish(link, outcomes, "last", "q")
    outcomes.wait(2 * len(bad) + 2)
    for name in (*bad, "long key"):
        assert isinstance(outcomes[name], Refused), name
    assert outcomes.ids(Accepted) == [*(f"after {name}" for name in bad), "last"]
    assert link.status.state is LinkState.HEALTHY


def test_a_missing_exchange_costs_the_channel_and_the_link_heals(link: Link, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcome = publish_and_wait(link, "q", exchange="no-such-exchange")
    assert isinstance(outcome, Unknown)
    assert "no-such-exchange" in outcome.reason
    assert publish_and_wait(link, "q") == Accepted()


def test_without_a_broker_a_publish_is_refused_at_its_deadline() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"amqp://u:p@127.0.0.1:{taken.getsockname()[1]}/"
        with linked(settings_for(url), healthy=False) as link:
            began = time.monotonic()
            outcome = publish_and_wait(link, "q", timeout=0.3)
            assert isinstance(outcome, Refused)
            assert outcome.away
            assert 0.3 <= time.monotonic() - began < 1.5


def test_what_waits_for_the_connection_is_sent_when_it_is_there(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    with proxied(fresh_broker.amqp_url) as proxy:
        proxy.refuse()
        with linked(settings_for(proxy.url), healthy=False) as link:
            publish(link, outcomes, "early", "q", timeout=20)
            eventually(lambda: link.status.state is LinkState.CONNECTING and link.status.detail)
            assert not outcomes
            proxy.accept()
            outcomes.wait(1)
    assert outcomes["early"] == Accepted()


def test_when_no_confirm_comes_the_window_holds_and_each_publish_ends_by_its_deadline(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    with proxied(fresh_broker.amqp_url) as proxy, linked(settings_for(proxy.url, window=10)) as link:
        proxy.drop("down")
        began = time.monotonic()
        for number in range(50):
            publish(link, outcomes, str(number), "q", timeout=1.0)
        eventually(lambda: rabbit.ready("q") == 10)
        outcomes.wait(50)
        assert 1.0 <= time.monotonic() - began < 2.0
        assert rabbit.ready("q") == 10, "more than the window was sent"
        proxy.cut()
    assert sorted(outcomes.ids(Unknown), key=int) == [str(number) for number in range(10)]
    assert len(outcomes.ids(Refused)) == 40
    assert all(isinstance(outcomes[id], Refused) and outcomes[id].away for id in outcomes.ids(Refused))  # type: ignore[union-attr]
    assert outcomes.are_single()


def test_cut_off_after_the_write_a_publish_is_unknown_and_the_link_comes_back(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    with proxied(fresh_broker.amqp_url) as proxy, linked(settings_for(proxy.url)) as link:
        proxy.drop("down")
        publish(link, outcomes, "cut", "q", timeout=20)
        eventually(lambda: rabbit.ready("q") == 1)
        assert not outcomes
        proxy.cut()
        outcomes.wait(1)
        assert isinstance(outcomes["cut"], Unknown)
        assert publish_and_wait(link, "q") == Accepted()
    assert rabbit.ready("q") == 2


def test_what_waits_when_the_connection_goes_was_never_sent_and_goes_out_with_the_next(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    with proxied(fresh_broker.amqp_url) as proxy, linked(settings_for(proxy.url, window=3)) as link:
        proxy.drop("down")
        for number in range(10):
            publish(link, outcomes, str(number), "q", timeout=20)
        eventually(lambda: rabbit.ready("q") == 3)
        proxy.cut()
        outcomes.wait(10)
    assert sorted(outcomes.ids(Unknown)) == ["0", "1", "2"]
    assert len(outcomes.ids(Accepted)) == 7
    assert rabbit.ready("q") == 10


def test_a_link_that_is_stopped_confirms_what_it_was_given_before(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    outcomes = Outcomes()
    with linked(settings_for(fresh_broker.amqp_url, window=100)) as link:
        for number in range(2000):
            publish(link, outcomes, str(number), "q")
    assert len(outcomes.ids(Accepted)) == 2000
    assert rabbit.ready("q") == 2000


def test_after_the_stop_every_publish_is_refused_at_once(fresh_broker: Broker) -> None:
    with linked(settings_for(fresh_broker.amqp_url)) as link:
        pass
    outcomes = Outcomes()
    for number in range(3):
        publish(link, outcomes, str(number), "q")
    assert outcomes.ids(Refused) == ["0", "1", "2"]
    assert link.status.state is LinkState.STOPPED


def test_publishes_that_race_with_the_stop_all_end(fresh_broker: Broker, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    for round in range(2):
        outcomes = Outcomes()
        given: list[str] = []
        leave = threading.Event()

        def pour(name: str, link: Link, given: list[str] = given, outcomes: Outcomes = outcomes, leave: threading.Event = leave) -> None:
            number = 0
            while not leave.is_set() or number < 200:
                number += 1
                id = f"{name}-{number}"
                given.append(id)
                publish(link, outcomes, id, "q", timeout=5)
                if number % 50 == 0:
                    eventually(partial(outcomes.all.get, id))

        with linked(settings_for(fresh_broker.amqp_url)) as link:
            threads = [threading.Thread(target=pour, args=(f"{round}-{name}", link)) for name in range(3)]
            for thread in threads:
                thread.start()
            outcomes.wait(100)
        leave.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive(), "a publish never ended"
        outcomes.wait(len(given))
        assert outcomes.are_single()
        there = {found.properties.message_id for found in rabbit.take("q")}
        assert set(outcomes.ids(Accepted)) <= there


def test_twenty_thousand_publishes_over_random_cuts_what_is_accepted_is_there(fresh_broker: Broker, rabbit: Rabbit) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    dice, total = random.Random(seed), 20_000  # noqa: S311
    rabbit.queue("q")
    outcomes = Outcomes()
    with proxied(fresh_broker.amqp_url) as proxy, linked(settings_for(proxy.url, window=500)) as link, ExitStack() as stack:
        threads = [threading.Thread(target=_pour, args=(link, outcomes, name, total // 4)) for name in range(4)]
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        for at in sorted(dice.randrange(total) for _ in range(12)):
            outcomes.wait(at, 30)
            _harm(proxy, dice)
        outcomes.wait(total, 40)
    assert outcomes.are_single()
    there = {found.properties.message_id for found in rabbit.take("q")}
    accepted = set(outcomes.ids(Accepted))
    assert accepted <= there, f"{len(accepted - there)} accepted ones are lost"
    assert set(outcomes.ids(Refused)).isdisjoint(there), "what was certainly not sent is there"
    assert len(accepted) > total // 2


def _pour(link: Link, outcomes: Outcomes, name: int, count: int) -> None:
    for number in range(count):
        publish(link, outcomes, f"{name}-{number}", "q", timeout=10)


def _harm(proxy: Proxy, dice: random.Random) -> None:
    if dice.random() < 0.3:
        proxy.drop("down")
    proxy.cut()


def test_the_properties_of_a_message_travel(link: Link, rabbit: Rabbit) -> None:
    rabbit.queue("q")
    headers: dict[str, HeaderValue] = {"fairway-attempt": 2, "fairway-x": "é", "on": True}
    message = Message(b"[]", "id", "a.type", "correlation", "r.me", 1_700_000_000, headers, content_encoding="br")
    outcomes = Outcomes()
    link.publish(Publication("", "q", message), outcomes.of("it"))
    outcomes.wait(1)
    (found,) = rabbit.take("q")
    properties: BasicProperties = found.properties
    assert (properties.message_id, properties.type, properties.correlation_id) == ("id", "a.type", "correlation")
    assert (properties.reply_to, properties.timestamp) == ("r.me", 1_700_000_000)
    assert (properties.content_type, properties.content_encoding) == ("application/json", "br")
    assert {name: value for name, value in found.headers.items() if not name.startswith("x-")} == headers
