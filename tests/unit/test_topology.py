"""The topology as data: what keeps jobs safe is in it, and every key finds exactly the queues it should."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.topology import LONGEST_DELAY_KEY, Exchange, Names, Topology, topology

QUEUES = ("images", "mails")


@pytest.fixture(params=[True, False], ids=["4.x", "3.x"])
def unlimited(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def wanted(*, records: bool = True, unlimited: bool = True) -> Topology:
    return topology(Names(), QUEUES, records=records, unlimited=unlimited)


def routed(plan: Topology, exchange: str, key: str) -> set[str]:
    """The queues that an exchange gives a message to, as RabbitMQ does: topics by AMQP 0-9-1, 3.1.3.3, what no
    binding takes to the alternate exchange, relays followed.
    """
    here = next(found for found in plan.exchanges if found.name == exchange)
    queues = {line.queue for line in plan.bindings if line.exchange == exchange and matches(here, line.key, key)}
    onward = {line.exchange for line in plan.relays if line.source == exchange and matches(here, line.key, key)}
    if not queues and not onward and "alternate-exchange" in here.arguments:
        onward = {str(here.arguments["alternate-exchange"])}
    return queues.union(*(routed(plan, each, key) for each in onward))


def matches(exchange: Exchange, binding: str, key: str) -> bool:
    return exchange.kind == "fanout" or _pattern(binding).fullmatch(key) is not None


def _pattern(binding: str) -> re.Pattern[str]:
    if binding == "#":
        return re.compile(".*")
    return re.compile(r"\.".join(r"[^.]*" if word == "*" else re.escape(word) for word in binding.split(".")))


def arguments(plan: Topology, queue: str) -> dict[str, str | int]:
    return next(dict(found.arguments) for found in plan.queues if found.name == queue)


def test_every_queue_is_a_quorum_queue_and_nothing_is_named_twice(unlimited: bool) -> None:
    plan = wanted(unlimited=unlimited)
    assert all(queue.arguments["x-queue-type"] == "quorum" for queue in plan.queues)
    assert len({queue.name for queue in plan.queues}) == len(plan.queues)
    assert len({exchange.name for exchange in plan.exchanges}) == len(plan.exchanges)
    assert len({*plan.bindings, *plan.relays}) == len(plan.bindings) + len(plan.relays)


def test_bindings_and_dead_letter_exchanges_name_what_is_declared() -> None:
    plan = wanted()
    exchanges = {exchange.name for exchange in plan.exchanges}
    assert {binding.exchange for binding in plan.bindings} <= exchanges
    assert {name for relay in plan.relays for name in (relay.source, relay.exchange)} <= exchanges
    assert {binding.queue for binding in plan.bindings} == {queue.name for queue in plan.queues}
    assert {queue.arguments.get("x-dead-letter-exchange", "fairway.lost") for queue in plan.queues} <= exchanges
    assert {exchange.arguments.get("alternate-exchange", "fairway.lost") for exchange in plan.exchanges} <= exchanges


def test_a_work_queue_gives_its_dead_letters_up_at_least_once(unlimited: bool) -> None:
    assert arguments(wanted(unlimited=unlimited), "fairway.q.images") == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "fairway.dead",
        "x-dead-letter-routing-key": "images",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # without it the broker falls back to at most once, with only a line in its log
        "x-delivery-limit": 20,
    }


def test_queues_that_people_empty_have_no_limit_of_any_kind(unlimited: bool) -> None:
    plan = wanted(unlimited=unlimited)
    for name in ("fairway.lost", "fairway.records", "fairway.dead.images"):
        found = arguments(plan, name)
        assert not {"x-message-ttl", "x-max-length", "x-max-length-bytes", "x-expires"} & found.keys()
        # -1 is no limit from 4.0 on; before that it would drop the message at its first return.
        assert found.get("x-delivery-limit") == (-1 if unlimited else None)


def test_a_job_goes_to_its_queue_alone() -> None:
    assert routed(wanted(), "fairway.jobs", "images") == {"fairway.q.images"}
    assert routed(wanted(), "fairway.jobs", "x.images") == set()


@pytest.mark.parametrize("lane", ["", ".high", ".low"])
@pytest.mark.parametrize("before", ["", "0." * LONGEST_DELAY_KEY], ids=["direct", "delayed"])
def test_a_dead_letter_goes_to_its_own_queue_and_to_the_records(before: str, lane: str) -> None:
    assert routed(wanted(), "fairway.dead", f"{before}images{lane}") == {"fairway.dead.images", "fairway.records"}
    assert routed(wanted(records=False), "fairway.dead", f"{before}images{lane}") == {"fairway.dead.images"}


def test_a_dead_letter_without_a_queue_rests_in_lost_and_is_recorded() -> None:
    assert routed(wanted(), "fairway.dead", "nobody") == {"fairway.lost", "fairway.records"}
    assert routed(wanted(records=False), "fairway.dead", "nobody") == {"fairway.lost"}


def test_what_the_records_give_up_does_not_come_back_to_them() -> None:
    dead_letters_go_to = arguments(wanted(), "fairway.records")["x-dead-letter-exchange"]
    assert routed(wanted(), str(dead_letters_go_to), "#") == {"fairway.lost"}


@pytest.mark.parametrize("key", ["r.none", "r.0123456789abcdef"])
def test_a_reply_reaches_the_records_where_they_are_kept(key: str) -> None:
    assert routed(wanted(), "fairway.replies", key) == {"fairway.records"}
    assert routed(wanted(records=False), "fairway.replies", key) == set()


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40))
def test_two_prefixes_share_no_name(prefix: str) -> None:
    ours, theirs = topology(Names("x-" + prefix), QUEUES, records=True, unlimited=True), wanted()
    assert not {queue.name for queue in ours.queues} & {queue.name for queue in theirs.queues}
    assert not {exchange.name for exchange in ours.exchanges} & {exchange.name for exchange in theirs.exchanges}


def test_a_queue_named_twice_is_declared_once() -> None:
    assert topology(Names(), ("a", "a"), records=True, unlimited=True) == topology(Names(), ("a",), records=True, unlimited=True)


def test_names_follow_the_prefix() -> None:
    names = Names("shop")
    assert (names.work("mails"), names.dead_of("mails"), names.reply("c")) == ("shop.q.mails", "shop.dead.mails", "shop.reply.c")
