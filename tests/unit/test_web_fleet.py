"""Who is attached, by what workers say: gone when silent or when they say so, rates from what changed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from producer.web.fleet import EVENT, UNSEEN, Fleet, Presence, Start, members
from shared.records import Started


def presence(name: str = "w1", *, gone: bool = False, **said: Any) -> Presence:
    about = {"name": name, "host": "h", "pid": 7, "version": "0.1", "since": 1_700_000_000_000, "policy": "fair", "queues": ["front"]}
    event = EVENT.validate_python({"kind": "presence", "gone": gone, "worker": {**about, "slots": {"loop": 64}, **said}})
    assert isinstance(event, Presence)
    return event


def names(fleet: Fleet, now: float) -> list[str]:
    return [worker.name for worker in fleet.workers(now)]


def test_a_worker_is_there_until_it_is_silent_for_too_long() -> None:
    fleet = Fleet()
    fleet.hear(presence("w2"), 0.0)
    fleet.hear(presence("w1"), 1.0)
    assert names(fleet, UNSEEN) == ["w1", "w2"]
    assert names(fleet, UNSEEN + 0.5) == ["w1"]


def test_a_worker_that_leaves_is_gone_at_once() -> None:
    fleet = Fleet()
    fleet.hear(presence(), 0.0)
    fleet.hear(presence(gone=True), 0.1)
    fleet.hear(presence("never seen", gone=True), 0.1)
    assert names(fleet, 0.1) == []


def test_in_flight_adds_up_over_the_workers() -> None:
    fleet = Fleet()
    fleet.hear(presence("w1", in_flight={"front": 2, "back": 1}), 0.0)
    fleet.hear(presence("w2", in_flight={"front": 3}), 0.0)
    assert (fleet.in_flight("front", 0.0), fleet.in_flight("back", 0.0), fleet.in_flight("side", 0.0)) == (5, 1, 0)
    assert fleet.in_flight("front", UNSEEN + 1) == 0


def test_the_rate_is_of_the_last_seconds_and_of_all_workers() -> None:
    fleet = Fleet()
    for second in range(31):
        fleet.hear(presence("w1", finished={"front": 10 * second}), second)
        fleet.hear(presence("w2", finished={"front": 5 * max(second - 25, 0), "back": second}), second)
    assert fleet.rate("front", 30.0) == 12.5  # 10 a second, and 25 in the last 10 seconds
    assert fleet.rate("back", 30.0) == 1.0


def test_a_restarted_worker_of_the_same_name_begins_at_zero() -> None:
    fleet = Fleet()
    fleet.hear(presence(finished={"front": 1000}), 0.0)
    fleet.hear(presence(since=1_800_000_000_000, finished={"front": 0}), 1.0)
    fleet.hear(presence(since=1_800_000_000_000, finished={"front": 4}), 2.0)
    assert fleet.rate("front", 2.0) == 4.0


def test_there_is_no_rate_where_nobody_says_one() -> None:
    fleet = Fleet()
    assert fleet.rate("front", 0.0) is None
    fleet.hear(presence(), 0.0)
    assert fleet.rate("front", 0.0) is None


def test_a_share_is_of_all_that_the_attached_workers_did() -> None:
    workers = [presence("w1", done=2, failed=1).worker, presence("w2", done=1, in_flight={"front": 2, "back": 1}).worker]
    one, two = members(workers)
    assert (one["share"], two["share"]) == (0.75, 0.25)
    assert (two["in_flight"], two["slots"], two["since"]) == (3, {"loop": 64}, "2023-11-14T22:13:20.000Z")
    assert [worker["share"] for worker in members([presence().worker])] == [0.0]


def test_a_started_event_is_a_change_of_the_record() -> None:
    event = EVENT.validate_json(b'{"kind":"started","id":"1","type":"t","queue":"q","worker":"w1","attempt":2,"at":5}')
    assert isinstance(event, Start)
    assert event.change == Started("1", "w1", 2, 5)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"kind": "presence"}', b'{"kind": "presence", "worker": {"name": 4}}', b'{"kind": "tea"}'])
def test_what_is_no_event_does_not_fit(body: bytes) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_json(body)


@pytest.mark.parametrize("moment", [-1, 10**18])
def test_a_moment_that_no_clock_shows_is_refused(moment: int) -> None:
    with pytest.raises(ValidationError, match="since"):
        presence(since=moment)
