"""Records over HTTP: from any replica, waited for, page by page; and what the deployment says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from producer.web.unbuilt import VERBS
from shared.ids import Ids
from shared.settings import Settings
from shared.topology import Names
from tests.support.broker import Broker
from tests.support.rabbit import rabbit_at
from tests.support.until import until
from tests.support.web import QUEUES, Replica, deployed, hand, replica, settings_of


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path)


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[Replica]:
    async with deployed(settings) as found:
        yield found


@pytest.fixture
async def other(web: Replica, settings: Settings) -> AsyncIterator[Replica]:
    """A second replica on the same host."""
    async with replica(settings.model_copy(update={"name": "web-2"})) as found:
        yield found


async def test_any_replica_tells_of_a_job(web: Replica, other: Replica) -> None:
    id = await web.submit(tags=["a"])
    assert await other.job(id) == await web.job(id)
    assert (await other.http.get(f"/v1/jobs/{id}")).headers["x-served-by"] == "web-2"


async def test_who_waits_at_any_replica_hears_of_the_end(web: Replica, other: Replica, settings: Settings) -> None:
    id = await web.submit()
    with hand(settings) as worker:
        waiting = [asyncio.create_task(one.job(id, wait=20)) for one in (web, other)]
        await until(lambda: len(worker.jobs) == 1 and bool(web.app.tier.waiting._waits) and bool(other.app.tier.waiting._waits))  # noqa: SLF001
        worker.answer_all()
        for job in await asyncio.gather(*waiting):
            assert (job["state"], job["reply"], job["args"]["name"]) == ("done", "hello", "Ada")
    for one in (web, other):
        assert (await one.job(id))["state"] == "done"


async def test_a_wait_ends_at_its_time_with_the_job_as_it_stands(web: Replica) -> None:
    id = await web.submit()
    assert (await web.job(id, wait=0.05))["state"] == "queued"
    answer = await web.http.get(f"/v1/jobs/{id}", params={"wait": "-1"})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "wait")


async def test_a_young_id_is_given_a_moment_and_an_old_one_is_not_known(web: Replica) -> None:
    id = Ids().new()
    asking = asyncio.create_task(web.http.get(f"/v1/jobs/{id}"))
    for unknown in ("01890000-0000-7000-8000-000000000000", "made-by-hand", "%2E%2E", "x" * 300):
        answer = await web.http.get(f"/v1/jobs/{unknown}")
        assert (answer.status_code, answer.json()["type"]) == (404, "unknown_job")
    assert not asking.done()
    assert (await asking).status_code == 404


async def test_jobs_are_listed_newest_first_page_by_page(web: Replica) -> None:
    ids = [await web.submit(tags=["odd" if number % 2 else "even"], queue=QUEUES[number % 2]) for number in range(7)]
    address: str | None = "/v1/jobs?tag=even&queue=back&limit=3"
    pages: list[list[str]] = []
    while address:
        answer = await web.http.get(address)
        pages.append([job["id"] for job in answer.json()["items"]])
        address = answer.links["next"]["url"] if "next" in answer.links else None
        assert (address is None) == (answer.json()["next"] is None)
    assert pages == [[ids[6], ids[4], ids[2]], [ids[0]]]
    assert len((await web.http.get("/v1/jobs", params={"state": "queued", "type": "test.greet"})).json()["items"]) == 7
    assert (await web.http.get("/v1/jobs", params={"state": "done"})).json() == {"items": [], "next": None}


async def test_a_parameter_that_does_not_fit_is_named(web: Replica) -> None:
    for query in ({"cursor": "nonsense"}, {"limit": "0"}, {"limit": "1001"}, {"state": "lost"}, {"tenant": "x"}):
        answer = await web.http.get("/v1/jobs", params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["errors"][0]["parameter"] == next(iter(query))


async def test_the_types_come_with_their_schemas(web: Replica) -> None:
    count, greet = (await web.http.get("/v1/types")).json()["items"]
    assert (count["type"], count["queue"], count["reply"]["type"]) == ("test.count", "back", "integer")
    assert (greet["description"], greet["args"]["required"], greet["reply"]) == ("Say hello.", ["name"], {"type": "string"})


async def test_the_queues_say_at_once_what_waits(web: Replica, broker: Broker, settings: Settings) -> None:
    await web.submit()
    with rabbit_at(broker.amqp_url) as rabbit:
        rabbit.put(Names(settings.prefix).dead_of("back"), b"{}")
    back, front = (await web.http.get("/v1/queues")).json()["items"]
    assert (front["name"], front["depth"], front["consumers"], front["dead"], front["in_flight"]) == ("front", 1, 0, 0, 0)
    assert (back["name"], back["depth"], back["dead"]) == ("back", 0, 1)
    with hand(settings):
        assert (await web.http.get("/v1/queues")).json()["items"][1]["consumers"] == 1


def presence(name: str, **said: Any) -> bytes:
    about = {"name": name, "host": "h", "pid": 7, "version": "0.1", "since": 1_700_000_000_000, "policy": "fair", "queues": ["front"]}
    return to_json({"kind": "presence", "worker": {**about, "slots": {"loop": 64}, **said}})


async def test_the_workers_are_those_who_say_so(web: Replica, settings: Settings) -> None:
    async def names() -> list[str]:
        return [worker["name"] for worker in (await web.http.get("/v1/workers")).json()["items"]]

    fleet = web.app.tier.fleet
    with hand(settings) as worker:
        events = Names(settings.prefix).events
        worker.say(events, "presence", presence("w1", done=3, in_flight={"front": 2}))
        worker.say(events, "presence", b"nonsense")
        worker.say(events, "progress", b'{"kind": "progress", "id": "1"}')
        worker.say(events, "presence", presence("w2", done=1))
        await until(lambda: len(fleet._members) == 2)  # noqa: SLF001
        found = (await web.http.get("/v1/workers")).json()["items"]
        assert [(one["name"], one["share"], one["in_flight"]) for one in found] == [("w1", 0.75, 2), ("w2", 0.25, 0)]
        assert (await web.http.get("/v1/queues")).json()["items"][1]["in_flight"] == 2
        worker.say(events, "presence", presence("w1")[:-1] + b',"gone":true}')
        await until(lambda: len(fleet._members) == 1)  # noqa: SLF001
        assert await names() == ["w2"]


async def test_a_started_job_runs_by_its_record(web: Replica, settings: Settings) -> None:
    id = await web.submit()
    with hand(settings) as worker:
        started = {
            "kind": "started",
            "id": id,
            "type": "test.greet",
            "queue": "front",
            "worker": "w1",
            "attempt": 1,
            "at": 1_700_000_000_000,
        }
        worker.say(Names(settings.prefix).events, "started", to_json(started))
        records = web.app.tier.records
        await until(lambda: (record := records.get(id)) is not None and record.worker == "w1")
    job = await web.job(id)
    assert (job["state"], job["worker"], job["started"]) == ("running", "w1", "2023-11-14T22:13:20.000Z")


async def test_a_deployment_without_records_says_so_and_still_answers_who_waits(broker: Broker, tmp_path: Path) -> None:
    settings = settings_of(broker, tmp_path, records_url="off")
    async with deployed(settings) as web:
        for address in ("/v1/jobs", "/v1/jobs/made-by-hand"):
            answer = await web.http.get(address)
            assert (answer.status_code, answer.json()["type"]) == (404, "no_records")
        assert (await web.http.get("/readyz")).status_code == 200
        with hand(settings) as worker:
            worker.answer_all()
            greet = {"type": "test.greet", "args": {"name": "Ada"}}
            assert (await web.http.post("/v1/jobs", json=greet, headers={"Prefer": "wait=20"})).json()["reply"] == "hello"


async def test_a_verb_that_is_not_built_yet_is_named(web: Replica) -> None:
    for method, path in VERBS:
        answer = await web.http.request(method, path.replace("{id}", "1").replace("{queue}", "front"))
        assert (answer.status_code, answer.json()["type"]) == (422, "not_built")
        assert f"{method} {path}" in answer.json()["detail"]


async def test_what_is_not_there_is_a_problem_too(web: Replica) -> None:
    missing, wrong = await web.http.get("/v1/jobz"), await web.http.put("/v1/jobs")
    assert (missing.status_code, missing.json()["type"], missing.headers["x-served-by"]) == (404, "not_found", "web-1")
    assert (wrong.status_code, wrong.headers["allow"], wrong.json()["type"]) == (405, "GET, POST", "method_not_allowed")


async def test_a_defect_is_a_problem_without_details_from_a_named_replica(web: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(web.app.tier.kept), "get", lambda *_: 1 / 0)
    answer = await web.http.get("/v1/jobs/made-by-hand")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["type"], answer.headers["x-served-by"]) == ("internal", "web-1")
    assert "division" not in answer.text
