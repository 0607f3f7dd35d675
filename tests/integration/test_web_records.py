"""The record keeper on a real broker: every end of a job gets into its record, and no delivery is let go of before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pika.spec import BasicProperties

from shared.errors import Problem
from shared.link import Delivery, Link, SharedQueue
from shared.message import Message
from shared.settings import Settings
from shared.topology import DELIVERY_LIMIT, Names
from shared.wire import dead_letter
from tests.support.broker import Broker
from tests.support.memory_records import MemoryRecords
from tests.support.rabbit import Rabbit, rabbit_at
from tests.support.until import until
from tests.support.web import Replica, deployed, hand, settings_of


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path)


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[Replica]:
    async with deployed(settings) as found:
        yield found


async def ended(web: Replica, id: str) -> dict[str, Any]:
    """The record of a job that nobody submitted through this replica, once it has ended."""
    await until(lambda: web.app.tier.records.get(id) is not None)
    return await web.job(id, wait=10)


def all_kept(rabbit: Rabbit, settings: Settings) -> bool:
    """Whether nothing waits in the records queue, and nothing comes back when its consumer is gone."""
    return rabbit.ready(Names(settings.prefix).records) == 0


async def test_a_job_is_done_in_its_record_although_nobody_waits(web: Replica, settings: Settings, broker: Broker) -> None:
    id = await web.submit(tags=["a"])
    with hand(settings) as worker:
        worker.answer_all()
        await until(lambda: (record := web.app.tier.records.get(id)) is not None and record.state.terminal)
    job = await web.job(id)
    assert (job["state"], job["reply"], job["worker"], job["tags"]) == ("done", "hello", "worker-1", ["a"])
    assert job["finished"] >= job["started"] >= job["created"]
    with rabbit_at(broker.amqp_url) as rabbit:
        assert all_kept(rabbit, settings)


async def test_a_workers_dead_letter_has_its_problem_and_arguments(web: Replica, settings: Settings) -> None:
    names = Names(settings.prefix)
    with hand(settings) as worker:
        buried = dead_letter(
            Message(b'{"a": 1}', id="by-hand", type="no.such"),
            Problem("unknown_type", "No handler.", "x"),
            queue="front",
            worker="worker-9",
            recorded=False,
        )
        worker.say(names.dead, "front", buried.body, id=buried.id, type=buried.type, headers=dict(buried.headers))
        job = await ended(web, "by-hand")
    assert (job["state"], job["type"], job["args"], job["worker"]) == ("dead", "no.such", {"a": 1}, "worker-9")
    assert job["problem"] == {"type": "unknown_type", "title": "No handler.", "detail": "x"}


class Refuser:
    """A consumer that gives a job back again and again, or rejects it: what crashes a delivery after the other."""

    def __init__(self, settings: Settings, queue: str) -> None:
        self.taken = 0
        self.link = Link(settings, "refuser", [SharedQueue(queue, 1, self._take)])

    def _take(self, deliveries: Any) -> None:
        for delivery in deliveries:
            assert isinstance(delivery, Delivery)
            self.taken += 1
            self.link.give_back(delivery)


async def test_what_the_broker_gives_up_is_a_crashed_job_with_its_arguments(web: Replica, settings: Settings) -> None:
    id = await web.submit("Ada")
    refuser = Refuser(settings, Names(settings.prefix).work("front"))
    refuser.link.start()
    try:
        job = await web.job(id, wait=20)
    finally:
        refuser.link.stop()
    assert (job["state"], job["problem"]["type"], job["queue"], job["args"]["name"]) == ("dead", "crashed", "front", "Ada")
    assert (job["deliveries"], refuser.taken) == (DELIVERY_LIMIT + 1, DELIVERY_LIMIT + 1)


async def test_nonsense_on_the_records_queue_stops_nothing(web: Replica, settings: Settings, broker: Broker) -> None:
    records = Names(settings.prefix).records
    with rabbit_at(broker.amqp_url) as rabbit:
        rabbit.put(records, b"nonsense", b'{"reply":1}')
        rabbit.put(records, b'{"reply":{nonsense}', properties=BasicProperties(correlation_id="odd", headers={"fairway-state": "done"}))
        rabbit.put(records, b"\xff", properties=BasicProperties(headers={"fairway-state": "done", "x": [{"y": None}], "fairway-v": 9}))
        id = await web.submit()
        with hand(settings) as worker:
            worker.answer_all()
            assert (await web.job(id, wait=10))["state"] == "done"
        await until(lambda: all_kept(rabbit, settings))
    assert (await ended(web, "odd"))["problem"]["type"] == "unreadable"
    assert (await web.http.get("/readyz")).status_code == 200


async def test_while_the_store_is_away_jobs_flow_and_results_wait_on_the_broker(settings: Settings, broker: Broker) -> None:
    records = MemoryRecords()
    async with deployed(settings, records) as web:
        records.down = True
        id = await web.submit()
        answer = await web.http.get(f"/v1/jobs/{id}")
        assert (answer.status_code, answer.json()["type"], answer.headers["retry-after"]) == (503, "records_down", "1")
        with hand(settings) as worker:
            greet = {"type": "test.greet", "args": {"name": "Ada"}}
            worker.answer_all()
            assert (await web.http.post("/v1/jobs", json=greet, headers={"Prefer": "wait=20"})).json()["state"] == "done"
    with rabbit_at(broker.amqp_url) as rabbit:  # the replica is gone, and what it couldn't keep is there again
        await until(lambda: rabbit.ready(Names(settings.prefix).records) == 2)
    records.down = False
    async with deployed(settings, records) as web:
        job = await ended(web, id)
        assert (job["state"], job["reply"], job["type"], job["queue"]) == ("done", "hello", "test.greet", "front")


async def test_a_result_survives_the_replica_that_accepted_its_job(web: Replica, settings: Settings) -> None:
    with hand(settings) as worker:
        async with deployed(settings.model_copy(update={"name": "web-2"})) as other:
            id = await other.submit()
            await until(lambda: len(worker.jobs) == 1)
        worker.answer_all()
        assert (await web.job(id, wait=10))["state"] == "done"


async def test_a_job_made_by_hand_has_a_record_once_it_ends(web: Replica, settings: Settings) -> None:
    with hand(settings) as worker:
        worker.answer_all()
        worker.say(Names(settings.prefix).jobs, "front", b'{"name": "Ada"}', id="made-by-hand", type="test.greet")
        job = await ended(web, "made-by-hand")
    assert (job["state"], job["args"], job["reply"]) == ("done", None, "hello")
