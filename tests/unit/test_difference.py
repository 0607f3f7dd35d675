"""The comparison of a broker with the topology, and which policies lie over what: pure, so no broker here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.control.difference import Different, Found, Missing, Overridden, Seen, Thing, difference, shown, thing, traits
from shared.control.plan import vhost_of
from shared.control.policies import Policy, effective
from shared.topology import Binding, Names, Relay, Topology, topology


@pytest.fixture
def wanted() -> Topology:
    return topology(Names(), ("mails",), records=True, unlimited=False)


@pytest.fixture
def complete(wanted: Topology) -> Found:
    """A broker that has all of it."""
    return Found({thing(item): Seen(traits(item)) for item in wanted.named}, frozenset(wanted.lines))


def test_nothing_to_do_where_all_is_there(wanted: Topology, complete: Found) -> None:
    assert difference(wanted, complete) == []


def test_an_empty_broker_lacks_everything_once(wanted: Topology) -> None:
    findings = difference(wanted, Found({}, frozenset()))
    assert len(findings) == len(wanted.named) + len(wanted.lines)
    assert {type(finding) for finding in findings} == {Missing}


def test_over_amqp_only_the_names_are_compared(wanted: Topology) -> None:
    here = {thing(item): Seen() for item in wanted.named if item.name != "fairway.q.mails"}
    assert difference(wanted, Found(here)) == [Missing("queue", "fairway.q.mails")]


def test_what_others_have_beside_ours_is_not_our_business(wanted: Topology, complete: Found) -> None:
    more = Found(
        {**complete.things, ("queue", "theirs"): Seen({})},
        (complete.lines or frozenset()) | {Binding("fairway.jobs", "theirs", "#")},
    )
    assert difference(wanted, more) == []


@pytest.mark.parametrize(
    ("trait", "value"),
    [("durable", False), ("x-queue-type", "classic"), ("x-delivery-limit", 5), ("x-overflow", None), ("x-message-ttl", 1000)],
)
def test_another_trait_is_told_with_both_values(wanted: Topology, complete: Found, trait: str, value: Any) -> None:
    name: Thing = ("queue", "fairway.q.mails")
    before = dict(complete.things[name].traits or {})
    after = {**before, trait: value} if value is not None else {key: kept for key, kept in before.items() if key != trait}
    found = replace(complete, things={**complete.things, name: Seen(after)})
    assert difference(wanted, found) == [Different("queue", "fairway.q.mails", trait, before.get(trait), value)]


def test_a_missing_binding_is_told_short(wanted: Topology, complete: Found) -> None:
    long = next(one for one in wanted.bindings if one.key.startswith("*.") and one.key.endswith("mails"))
    found = replace(complete, lines=(complete.lines or frozenset()) - {long})
    assert difference(wanted, found) == [Missing("binding", "fairway.dead-sorter --(*.){22}mails--> fairway.dead.mails")]
    assert shown(Relay("fairway.dead", "fairway.dead-sorter", "#")) == "fairway.dead --#--> exchange fairway.dead-sorter"
    assert shown(Binding("fairway.lost", "fairway.lost", "")) == "fairway.lost --(every key)--> fairway.lost"


def test_a_policy_is_told_where_it_can_lose_jobs_and_only_there(wanted: Topology, complete: Found) -> None:
    name: Thing = ("queue", "fairway.q.mails")
    laid = Seen(complete.things[name].traits, {"consumer-timeout": 1, "max-length": 10, "overflow": "drop-head"})
    found = replace(complete, things={**complete.things, name: laid})
    assert difference(wanted, found) == [Overridden("queue", "fairway.q.mails", "max-length", 10)]


def policy(pattern: str, apply_to: str = "all", priority: int = 0, **definition: Any) -> Policy:
    return Policy(pattern, apply_to, priority, definition)


def test_one_user_policy_applies_and_an_operator_policy_lies_over_it() -> None:
    user = [policy("^fairway", priority=1, ttl=1), policy(".*", priority=9, limit=2), policy("^other", priority=99, x=1)]
    operator = [policy("mails$", limit=1)]
    assert effective("queue", "fairway.q.mails", user, operator) == {"limit": 1}
    assert effective("queue", "fairway.q.images", user, operator) == {"limit": 2}
    assert effective("queue", "nobody", [], operator) == {}


@pytest.mark.parametrize(
    ("apply_to", "queue", "exchange"),
    [
        ("all", True, True),
        ("queues", True, False),
        ("quorum_queues", True, False),
        ("classic_queues", False, False),
        ("streams", False, False),
        ("exchanges", False, True),
    ],
)
def test_a_policy_applies_to_what_it_says(apply_to: str, queue: bool, exchange: bool) -> None:
    laid = [policy(".*", apply_to, limit=1)]
    assert bool(effective("queue", "q", laid, [])) is queue
    assert bool(effective("exchange", "e", laid, [])) is exchange


def test_a_pattern_that_python_cannot_read_is_shown_rather_than_hidden() -> None:
    assert effective("queue", "q", [policy("(?|a|b)", limit=1)], []) == {"limit": 1}


@pytest.mark.parametrize(
    ("url", "vhost"),
    [("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h/%2F", "/"), ("amqp://u:p@h:1/shop?heartbeat=3", "shop"), ("amqp://h/a%20b", "a b")],
)
def test_the_virtual_host_is_the_path_of_the_address(url: str, vhost: str) -> None:
    assert vhost_of(url) == vhost
