"""`POST /v1/jobs/batch`: an outcome for each entry, and none of them a lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from shared.topology import Names
from tests.support.broker import Broker
from tests.support.rabbit import rabbit_at
from tests.support.web import Replica, deployed, settings_of

GOOD = {"type": "test.greet", "args": {"name": "Ada"}}
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path, batch_limit=300, window=64, body_limit=4096)


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[Replica]:
    async with deployed(settings) as found:
        yield found


def on_queue(broker: Broker, settings: Settings) -> set[str]:
    """The ids of the jobs that are there; they are gone then."""
    with rabbit_at(broker.amqp_url) as rabbit:
        return {str(found.properties.message_id) for found in rabbit.take(Names(settings.prefix).work("front"))}


async def outcomes(web: Replica, content: Any, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await web.http.post("/v1/jobs/batch", content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    return list(answer.json()["outcomes"])


async def in_pieces(text: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def test_an_array_gives_an_outcome_for_each_entry(web: Replica, broker: Broker, settings: Settings) -> None:
    entries = [GOOD, {**GOOD, "args": {}}, {**GOOD, "type": "no.such"}, 4, {**GOOD, "delay": 1}, {**GOOD, "tags": ["last"]}]
    found = await outcomes(web, json.dumps(entries), JSON)
    assert [outcome["index"] for outcome in found] == list(range(6))
    assert [outcome.get("problem", {}).get("type") for outcome in found] == [
        None,
        "invalid_job",
        "unknown_type",
        "invalid_job",
        "not_built",
        None,
    ]
    assert found[1]["problem"]["errors"] == [{"detail": "Field required", "pointer": "#/args/name"}]
    accepted = {outcome["id"] for outcome in found if "id" in outcome}
    assert on_queue(broker, settings) == accepted
    assert {job["id"] for job in (await web.http.get("/v1/jobs")).json()["items"]} == accepted


async def test_more_than_one_window_is_all_accepted(web: Replica, broker: Broker, settings: Settings) -> None:
    found = await outcomes(web, json.dumps([GOOD] * 300), JSON)
    assert [outcome["index"] for outcome in found] == list(range(300))
    assert on_queue(broker, settings) == {outcome["id"] for outcome in found}


async def test_lines_are_published_as_they_come_in(web: Replica, broker: Broker, settings: Settings) -> None:
    line = json.dumps(GOOD).encode()
    text = b"\n\n".join([line, b"{broken", line, b'{"type": "test.greet", "args": {"name": "Ada", "note": 1e400}}', line])
    found = await outcomes(web, in_pieces(text, 7), NDJSON)
    assert [outcome.get("problem", {}).get("status") for outcome in found] == [None, 400, None, 400, None]
    assert on_queue(broker, settings) == {outcome["id"] for outcome in found if "id" in outcome}


async def test_the_reading_of_lines_ends_at_the_limit_and_what_came_before_stands(web: Replica, broker: Broker, settings: Settings) -> None:
    line = json.dumps(GOOD).encode() + b"\n"
    found = await outcomes(web, in_pieces(line * 320, 4000), NDJSON)
    assert len(found) == 301
    assert found[300]["problem"]["type"] == "too_many"
    assert "not read" in found[300]["problem"]["detail"]
    assert on_queue(broker, settings) == {outcome["id"] for outcome in found[:300]}


async def test_a_line_over_the_limit_ends_the_reading(web: Replica, broker: Broker, settings: Settings) -> None:
    line = json.dumps(GOOD).encode() + b"\n"
    found = await outcomes(web, in_pieces(line + b"x" * 9000 + b"\n" + line, 1000), NDJSON)
    assert [outcome.get("problem", {}).get("status") for outcome in found] == [None, 413]
    assert len(on_queue(broker, settings)) == 1


async def test_an_array_that_is_wrong_as_a_whole_publishes_nothing(web: Replica, broker: Broker, settings: Settings) -> None:
    wrong = [
        (400, json.dumps([GOOD])[:-1]),
        (400, json.dumps([GOOD, {**GOOD, "args": {"name": "Ada", "note": float("inf")}}])),
        (413, json.dumps([GOOD] * 301)),
        (413, json.dumps([{**GOOD, "args": {"name": "x" * 4000}}] * 20)),
        (422, json.dumps(GOOD)),
    ]
    for status, content in wrong:
        answer = await web.http.post("/v1/jobs/batch", content=content, headers=JSON)
        assert (answer.status_code, answer.json()["status"]) == (status, status), content[:80]
    assert (await web.http.post("/v1/jobs/batch", content=b"[]", headers={"Content-Type": "text/csv"})).status_code == 415
    assert on_queue(broker, settings) == set()


async def test_an_entry_that_outgrows_the_limit_is_refused_alone(web: Replica, broker: Broker, settings: Settings) -> None:
    grows = {**GOOD, "args": {"name": "Ada", "note": ["@"] * 400}}
    found = await outcomes(web, json.dumps([GOOD, grows]).replace('"@"', "1e15"), JSON)
    assert [outcome.get("problem", {}).get("status") for outcome in found] == [None, 413]
    assert len(on_queue(broker, settings)) == 1


async def test_an_empty_batch_has_no_outcomes(web: Replica) -> None:
    assert await outcomes(web, b"[]", JSON) == []
    assert await outcomes(web, b"", NDJSON) == []
