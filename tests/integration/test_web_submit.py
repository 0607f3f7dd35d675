"""`POST /v1/jobs`: 202 means that the broker has the job safe; whatever is wrong is said before anything is published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import Envelope, Reply, State
from shared.errors import Problem
from shared.settings import Settings
from shared.topology import Names
from tests.support.broker import Broker
from tests.support.memory_records import MemoryRecords
from tests.support.rabbit import Rabbit, rabbit_at
from tests.support.until import until
from tests.support.web import Replica, deployed, done, hand, settings_of

GOOD = {"type": "test.greet", "args": {"name": "Ada"}}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path, body_limit=20_000)


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[Replica]:
    async with deployed(settings) as found:
        yield found


@pytest.fixture
def rabbit(broker: Broker) -> Iterator[Rabbit]:
    with rabbit_at(broker.amqp_url) as found:
        yield found


async def test_an_accepted_job_is_on_its_queue_with_nothing_but_what_was_meant(web: Replica, rabbit: Rabbit, settings: Settings) -> None:
    answer = await web.http.post("/v1/jobs", json={**GOOD, "tags": ["a", "b"]})
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["retry-after"] == "1"
    assert (job["state"], job["queue"], job["args"]["name"], job["tags"]) == ("queued", "front", "Ada", ["a", "b"])
    (found,) = rabbit.take(Names(settings.prefix).work("front"))
    assert json.loads(found.body) == {"name": "Ada", "times": 1, "weight": None, "note": None, "at": None}
    assert (found.properties.message_id, found.properties.type, found.properties.correlation_id) == (job["id"], "test.greet", job["id"])
    assert found.properties.delivery_mode == 2
    assert (found.properties.priority, found.properties.expiration, found.properties.reply_to) == (None, None, None)
    assert set(found.headers) == {"fairway-v", "fairway-queue", "fairway-attempt", "fairway-created", "fairway-tags"}


async def test_the_queue_can_be_another_one(web: Replica, rabbit: Rabbit, settings: Settings) -> None:
    await web.submit(queue="back")
    assert rabbit.ready(Names(settings.prefix).work("back")) == 1


WRONG: list[tuple[int, str, bytes, dict[str, str]]] = [
    (400, "malformed", b"{", JSON),
    (400, "malformed", b"", JSON),
    (400, "malformed", json.dumps({**GOOD, "args": {"name": "Ada", "note": float("nan")}}).encode(), JSON),
    (400, "malformed", b'{"type": "test.greet", "args": {"name": "Ada", "note": 1e999}}', JSON),
    (413, "too_large", json.dumps({**GOOD, "args": {"name": "x" * 20_000}}).encode(), JSON),
    (415, "unsupported_media_type", json.dumps(GOOD).encode(), {"Content-Type": "text/plain"}),
    (415, "unsupported_media_type", json.dumps(GOOD).encode(), {}),
    (415, "unsupported_media_type", json.dumps(GOOD).encode(), {**JSON, "Content-Encoding": "gzip"}),
    (422, "unknown_type", json.dumps({**GOOD, "type": "no.such"}).encode(), JSON),
    (422, "invalid_job", json.dumps({**GOOD, "args": {}}).encode(), JSON),
    (422, "invalid_job", json.dumps({**GOOD, "queue": "admin"}).encode(), JSON),
    (422, "invalid_job", json.dumps({**GOOD, "headers": {"CC": ["x"]}}).encode(), JSON),
    (422, "not_built", json.dumps({**GOOD, "delay": 5}).encode(), JSON),
    (422, "not_built", json.dumps(GOOD).encode(), {**JSON, "Idempotency-Key": "k"}),
]


async def test_what_is_wrong_is_a_problem_and_nothing_is_published(web: Replica, rabbit: Rabbit, settings: Settings) -> None:
    for status, type, content, headers in WRONG:
        answer = await web.http.post("/v1/jobs", content=content, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["type"], problem["status"]) == (status, type, status), content[:100]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-served-by"] == "web-1"
        assert problem["title"]
        assert problem["detail"]
    assert rabbit.ready(Names(settings.prefix).work("front")) == 0
    assert (await web.http.get("/v1/jobs")).json()["items"] == []


async def test_a_body_over_the_limit_is_refused_while_it_comes_in_pieces(web: Replica) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"type": "test.greet", "args": {"name": "'
        for _ in range(64):
            yield b"x" * 4096
        yield b'"}}'

    answer = await web.http.post("/v1/jobs", content=pieces(), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "too_large")
    assert (await web.http.post("/v1/jobs", json=GOOD)).status_code == 202


async def test_arguments_that_outgrow_the_limit_on_their_way_are_refused(web: Replica) -> None:
    numbers = b",".join([b"1e15"] * 3000)  # each travels as 1000000000000000.0
    text = b'{"type": "test.greet", "args": {"name": "Ada", "note": [' + numbers + b"]}}"
    assert len(text) < 20_000
    answer = await web.http.post("/v1/jobs", content=text, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "too_large")


async def raw(port: int, request: bytes) -> bytes:
    """What comes back for these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    found = await asyncio.wait_for(reader.read(65536), 10)
    writer.close()
    return found


async def test_a_length_that_lies_is_no_way_in(web: Replica) -> None:
    body = json.dumps(GOOD).encode()
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    assert b" 413 " in (await raw(web.port, head % 10**12 + body)).split(b"\r\n")[0]
    assert b" 400 " in (await raw(web.port, head % (len(body) - 3) + body)).split(b"\r\n")[0]


async def test_with_prefer_wait_the_answer_is_the_finished_job(web: Replica, settings: Settings) -> None:
    with hand(settings) as worker:
        worker.answer_all()
        answer = await web.http.post("/v1/jobs", json=GOOD, headers={"Prefer": "respond-async, wait=20"})
    job = answer.json()
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=20")
    assert (job["state"], job["reply"], job["worker"], job["deliveries"]) == ("done", "hello", "worker-1", 1)
    assert job["args"]["name"] == "Ada"


async def test_a_job_that_fails_answers_who_waits_with_its_problem(web: Replica, settings: Settings) -> None:
    def fails(envelope: Envelope) -> Reply:
        return done(envelope)._replace(state=State.DEAD, reply=None, problem=Problem("ValueError", "The handler raised ValueError.", "no"))

    with hand(settings) as worker:
        worker.answer_all(fails)
        answer = await web.http.post("/v1/jobs", json=GOOD, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["state"], answer.json()["problem"]["type"]) == (200, "dead", "ValueError")


async def test_a_job_that_does_not_end_in_time_is_accepted(broker: Broker, tmp_path: Path) -> None:
    async with deployed(settings_of(broker, tmp_path, wait_limit=0.05)) as web:
        answer = await web.http.post("/v1/jobs", json=GOOD, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=0.05"


async def test_an_accepted_job_is_accepted_although_its_record_can_not_be_read(broker: Broker, tmp_path: Path) -> None:
    records = MemoryRecords()
    records.down = True
    async with deployed(settings_of(broker, tmp_path, wait_limit=0.05), records) as web:
        answer = await web.http.post("/v1/jobs", json=GOOD, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


async def test_a_reply_that_is_no_json_is_a_problem_and_never_a_crash(web: Replica, settings: Settings) -> None:
    with hand(settings) as worker:
        worker.answer_all(lambda envelope: done(envelope, b"{nonsense"))
        answer = await web.http.post("/v1/jobs", json=GOOD, headers={"Prefer": "wait=20"})
        assert (answer.status_code, answer.json()["problem"]["type"]) == (200, "unreadable")
        ended = await web.job(answer.json()["id"], wait=10)
    assert ended["problem"]["type"] == "unreadable"


async def test_many_who_wait_get_each_their_own_reply(web: Replica, settings: Settings) -> None:
    async def one(number: int) -> Any:
        greet = {"type": "test.greet", "args": {"name": str(number)}}
        return (await web.http.post("/v1/jobs", json=greet, headers={"Prefer": "wait=20"})).json()["reply"]

    with hand(settings) as worker:
        waiting = [asyncio.create_task(one(number)) for number in range(50)]
        await until(lambda: len(worker.jobs) == 50)
        worker.answer_all(lambda envelope: done(envelope, json.dumps(json.loads(envelope.args)["name"]).encode()))
        assert await asyncio.gather(*waiting) == [str(number) for number in range(50)]
