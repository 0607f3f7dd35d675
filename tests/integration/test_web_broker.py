"""When the broker is away, blocked, or silent: an answer at once, or within the deadline, that says which; and no hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.topology import Names
from tests.support.broker import Broker
from tests.support.proxy import Proxy, proxied
from tests.support.rabbit import rabbit_at
from tests.support.until import until
from tests.support.web import Replica, deployed, hand, replica, settings_of

GREET = {"type": "test.greet", "args": {"name": "Ada"}}


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    with proxied(broker.amqp_url) as found:
        yield found


@pytest.fixture
def settings(broker: Broker, proxy: Proxy, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path, amqp_url=proxy.url, confirm_timeout=0.5, heartbeat=2)


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[Replica]:
    async with deployed(settings) as found:
        yield found


async def is_ready(web: Replica) -> bool:
    return (await web.http.get("/readyz")).status_code == 200


async def test_a_broker_that_is_away_is_said_at_once_and_found_again(web: Replica, proxy: Proxy) -> None:
    proxy.refuse()
    await until(lambda: not web.app.tier.client.link_status.healthy)
    began = time.monotonic()
    for answer in (
        await web.http.post("/v1/jobs", json=GREET),
        await web.http.post("/v1/jobs", json=GREET, headers={"Prefer": "wait=20"}),
        await web.http.post("/v1/jobs/batch", json=[GREET] * 3),
        await web.http.get("/v1/queues"),
    ):
        assert (answer.status_code, answer.json()["type"], answer.headers["retry-after"]) == (503, "broker_down", "1")
        assert answer.headers["content-type"] == "application/problem+json"
    ready = await web.http.get("/readyz")
    assert (ready.status_code, ready.json()["type"]) == (503, "not_ready")
    assert ready.json()["reasons"]
    assert (await web.http.get("/livez")).status_code == 200
    assert time.monotonic() - began < 3
    assert (await web.http.post("/v1/jobs", json={**GREET, "args": {}})).status_code == 422
    proxy.accept()
    await web.ready()
    assert (await web.job(await web.submit()))["state"] == "queued"
    assert (await web.http.get("/v1/queues")).status_code == 200


async def test_a_confirm_that_does_not_come_leaves_the_outcome_unknown_with_the_id(web: Replica, proxy: Proxy, settings: Settings) -> None:
    proxy.stall()
    began = time.monotonic()
    answer = await web.http.post("/v1/jobs", json=GREET)
    assert time.monotonic() - began < 3
    problem = answer.json()
    assert (answer.status_code, problem["type"], answer.headers["retry-after"]) == (503, "outcome_unknown", "1")
    proxy.flow()
    with hand(settings) as worker:  # it was on its way after all
        await until(lambda: [job.id for job in worker.jobs] == [problem["id"]])
        worker.answer_all()
        await until(lambda: web.app.tier.records.get(problem["id"]) is not None)


async def test_a_batch_says_of_each_job_what_became_of_it(web: Replica, proxy: Proxy) -> None:
    proxy.stall()
    answer = await web.http.post("/v1/jobs/batch", json=[GREET, {**GREET, "args": {}}, GREET])
    found = [outcome.get("problem", {}).get("type") for outcome in answer.json()["outcomes"]]
    assert (answer.status_code, found) == (202, ["outcome_unknown", "invalid_job", "outcome_unknown"])
    assert len({outcome["problem"]["id"] for outcome in answer.json()["outcomes"] if "id" in outcome["problem"]}) == 2
    proxy.flow()


async def test_who_waits_hears_of_a_job_whose_confirm_was_lost(web: Replica, proxy: Proxy, settings: Settings, broker: Broker) -> None:
    direct = settings.model_copy(update={"amqp_url": settings_of(broker, Path("/nowhere")).amqp_url})
    with hand(direct) as worker:
        worker.answer_all()
        proxy.drop("down")  # the publish arrives, its confirm doesn't; the connections are found dead, and made anew
        waiting = asyncio.create_task(web.http.post("/v1/jobs", json=GREET, headers={"Prefer": "wait=20"}))
        await until(lambda: not web.app.tier.client.link_status.healthy, 15)
        proxy.flow()
        answer = await waiting
    assert (answer.status_code, answer.json()["state"]) == (200, "done")


async def test_a_broker_without_our_queues_is_not_ready_and_says_what_helps(broker: Broker, tmp_path: Path) -> None:
    settings = settings_of(broker, tmp_path)
    async with replica(settings, ready=False) as web:
        await until(lambda: "topology apply" in web.app.tier.client.link_status.detail)
        answer = await web.http.get("/readyz")
        assert answer.status_code == 503
        assert "topology apply" in answer.json()["detail"]
        assert (await web.http.post("/v1/jobs", json=GREET)).status_code == 503


async def test_a_missing_work_queue_is_found(web: Replica, broker: Broker, settings: Settings) -> None:
    queue = Names(settings.prefix).work("front")
    assert await is_ready(web)
    with rabbit_at(broker.amqp_url) as rabbit:
        rabbit.delete(queue)
    ready, queues, job = [await web.http.get("/readyz"), await web.http.get("/v1/queues"), await web.http.post("/v1/jobs", json=GREET)]
    assert queue in ready.json()["reasons"][0]
    assert (ready.status_code, queues.status_code, queues.json()["type"]) == (503, 503, "topology_missing")
    assert (job.status_code, job.json()["type"]) == (503, "not_accepted")
    assert (await web.http.get("/v1/jobs")).json()["items"] == []
