"""A record as people see it: the same members for every job, times in UTC."""

from __future__ import annotations

import json

from shared.envelope import TERMINAL, State
from shared.errors import Problem
from shared.record import Record, rfc3339

MEMBERS = [
    "id", "type", "queue", "priority", "tenant", "tags", "state", "attempt", "deliveries", "worker", "args", "reply",
    "problem", "created", "not_before", "started", "finished", "attempts",
]  # fmt: skip


def test_a_fresh_job_has_every_member() -> None:
    members = Record("a1", "text.count", "texts", State.QUEUED, 1_700_000_000_250).members()
    assert list(members) == MEMBERS
    assert (members["state"], members["created"], members["priority"]) == ("queued", "2023-11-14T22:13:20.250Z", "normal")
    assert [name for name in MEMBERS if members[name] is None] == [
        "tenant", "worker", "args", "reply", "problem", "not_before", "started", "finished",
    ]  # fmt: skip


def test_a_finished_job_shows_its_arguments_and_its_reply_as_json() -> None:
    record = Record(
        "a1", "text.count", "texts", State.DONE, 0, b'{"text":"x"}', ("t",), 1, 2, "w1", b'{"words":1}', None, 1_500, 2_000
    )  # fmt: skip
    members = json.loads(json.dumps(record.members()))
    assert (members["args"], members["reply"], members["tags"]) == ({"text": "x"}, {"words": 1}, ["t"])
    assert (members["started"], members["finished"]) == ("1970-01-01T00:00:01.500Z", "1970-01-01T00:00:02.000Z")


def test_a_dead_job_shows_its_problem() -> None:
    record = Record("a1", "t", "q", State.DEAD, 0, problem=Problem("timeout", "Too long.", "60 s"))
    assert record.members()["problem"] == {"type": "timeout", "title": "Too long.", "detail": "60 s"}


def test_times_go_from_1970_to_the_last_that_a_message_may_name() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"


def test_the_states_are_a_closed_set() -> None:
    assert [state.value for state in State] == ["queued", "delayed", "running", "retrying", "done", "dead", "cancelled", "expired"]
    assert {state for state in State if state.terminal} == TERMINAL == {State.DONE, State.DEAD, State.CANCELLED, State.EXPIRED}
