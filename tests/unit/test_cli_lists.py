"""`fairway jobs`, `queues` and `workers` against a web tier that says what the test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest

from shared.envelope import State
from shared.errors import Problem
from shared.record import Record
from tests.support.command_line import bare_environment, fairway
from tests.support.scripted_web import Answer, ScriptedWeb, scripted_web

CREATED = 1_763_715_600_000  # 2025-11-21T09:00:00Z


def record(number: int, **members: Any) -> dict[str, Any]:
    """A job as HTTP shows it: by the record's own words."""
    members = {"state": State.QUEUED, "created": CREATED, **members}
    return Record(f"019aa000-0000-7000-8000-{number:012}", "text.count", "default", **members).members()


DONE = record(1, state=State.DONE, worker="worker-2", args=b'{"text":"h\xc3\xa9"}', reply=b'{"words":1}', tags=("a", "b"), deliveries=2)
DONE |= {"started": "2025-11-21T09:00:00.003Z", "finished": "2025-11-21T09:00:01.005Z"}
DEAD = record(2, state=State.DEAD, problem=Problem("ValueError", "The handler raised ValueError.", "no", "Traceback\n  line 3"))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[ScriptedWeb]:
    with scripted_web() as web, bare_environment(FAIRWAY_WEB_URL=web.url, FAIRWAY_HOME=str(tmp_path)):
        yield web


def asked(web: ScriptedWeb) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(heard.path).query) for heard in web.heard]


def test_jobs_are_a_table(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/jobs", Answer({"items": [DONE, DEAD], "next": None}))
    result = fairway("jobs")
    head, done, dead = result.stdout.splitlines()
    assert head.split() == ["ID", "TYPE", "QUEUE", "STATE", "QUEUED", "RAN", "WORKER", "AGE"]
    assert done.split()[:10] == [DONE["id"], "text.count", "default", "done", "3", "ms", "1.002", "s", "worker-2", done.split()[9]]
    assert dead.split()[:8] == [DEAD["id"], "text.count", "default", "dead", "(ValueError)", "-", "-", "-"]
    assert {line.index(word) for line, word in ((head, "STATE"), (done, "done"), (dead, "dead"))} == {head.index("STATE")}


def test_jobs_are_filtered_by_the_web_tier(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/jobs", Answer({"items": [], "next": None}))
    fairway("jobs", "--state", "dead", "--type", "text.count", "--queue", "default", "--tag", "a&b", "--limit", "7")
    assert asked(web) == [{"state": ["dead"], "type": ["text.count"], "queue": ["default"], "tag": ["a&b"], "limit": ["7"]}]
    assert fairway("jobs", "--state", "lost").exit_code == 2
    assert fairway("jobs", "--limit", "0").exit_code == 2


def test_as_many_pages_are_asked_for_as_the_limit_takes(web: ScriptedWeb) -> None:
    pages = [Answer({"items": [record(100 * page + row) for row in range(100)], "next": f"c{page}"}) for page in range(4)]
    web.on("GET", "/v1/jobs", *pages)
    result = fairway("jobs", "--limit", "250", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [record(number)["id"] for number in range(250)]
    assert asked(web) == [{"limit": ["100"]}, {"limit": ["100"], "cursor": ["c0"]}, {"limit": ["100"], "cursor": ["c1"]}]


def test_the_last_page_is_the_end(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/jobs", Answer({"items": [DONE], "next": "c0"}), Answer({"items": [DEAD], "next": None}))
    assert [json.loads(line) for line in fairway("jobs", "--json").stdout.splitlines()] == [DONE, DEAD]


def test_one_job_and_all_that_is_known_of_it(web: ScriptedWeb) -> None:
    web.on("GET", f"/v1/jobs/{DONE['id']}", Answer(DONE))
    lines = dict(line.split(None, 1) for line in fairway("jobs", DONE["id"]).stdout.splitlines())
    assert lines == {
        "id": DONE["id"],
        "type": "text.count",
        "queue": "default",
        "tags": "a, b",
        "state": "done",
        "attempt": "1",
        "deliveries": "2",
        "worker": "worker-2",
        "created": "2025-11-21T09:00:00.000Z",
        "started": "2025-11-21T09:00:00.003Z",
        "finished": "2025-11-21T09:00:01.005Z",
        "queued": "3 ms",
        "ran": "1.002 s",
        "args": '{"text": "hé"}',
        "reply": '{"words": 1}',
    }


def test_a_dead_job_is_shown_with_its_problem_and_ends_well(web: ScriptedWeb) -> None:
    web.on("GET", f"/v1/jobs/{DEAD['id']}", Answer(DEAD))
    result = fairway("jobs", DEAD["id"])
    assert result.exit_code == 0
    assert "problem     ValueError: no\n" in result.stdout
    assert "Traceback\n  line 3\n" in result.stdout
    assert json.loads(fairway("jobs", DEAD["id"], "--json").stdout) == DEAD


def test_an_unknown_job_is_1(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/jobs/a%2Fb", Answer({"type": "unknown_job", "detail": "no job has this id"}, 404))
    result = fairway("jobs", "a/b")
    assert (result.exit_code, result.stderr) == (1, "fairway: no job has this id\n")


def test_states_have_colours_on_a_terminal_and_never_where_NO_COLOR_is_set(web: ScriptedWeb) -> None:  # noqa: N802
    web.on("GET", "/v1/jobs", Answer({"items": [DONE], "next": None}))
    assert click.style("done", fg="green") in fairway("jobs", colours=True).stdout
    assert "\x1b" not in fairway("jobs").stdout
    with bare_environment(FAIRWAY_WEB_URL=web.url, NO_COLOR="1"):
        assert "\x1b" not in fairway("jobs", colours=True).stdout


QUEUE = {"name": "default", "depth": 1200, "in_flight": 3, "consumers": 4, "dead": 2, "rate": 12.5}


def test_queues(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/queues", Answer({"items": [QUEUE]}))
    head, row = fairway("queues").stdout.splitlines()
    assert head.split() == ["QUEUE", "DEPTH", "IN", "FLIGHT", "CONSUMERS", "RATE", "DEAD"]
    assert row.split() == ["default", "1200", "3", "4", "12.50", "2"]
    assert json.loads(fairway("queues", "--json").stdout) == QUEUE


WORKER = {
    "name": "worker-1",
    "host": "here",
    "pid": 42,
    "version": "0.1.0",
    "since": "2025-11-21T09:00:00.000Z",
    "policy": "fair",
    "queues": ["default", "images"],
    "slots": {"loop": 64, "process": 2},
    "in_flight": 3,
    "done": 1200,
    "failed": 3,
    "share": 0.2512,
    "stopping": False,
}


def test_workers(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/workers", Answer({"items": [WORKER, {**WORKER, "name": "worker-2", "stopping": True}]}))
    head, one, two = fairway("workers").stdout.splitlines()
    assert head.split("  ")[0] == "WORKER"
    assert one.split()[:3] == ["worker-1", "here", "42"]
    assert "default, images  loop 64, process 2" in one
    assert one.split()[-4:] == ["3", "1200", "3", "25%"]
    assert two.startswith("worker-2 (stopping)  here")
    assert json.loads(fairway("workers", "--json").stdout.splitlines()[0]) == WORKER


def test_who_is_not_there_is_a_table_without_rows(web: ScriptedWeb) -> None:
    web.on("GET", "/v1/workers", Answer({"items": []}))
    assert fairway("workers").stdout.splitlines()[1:] == []
    assert fairway("workers", "--json").stdout == ""
