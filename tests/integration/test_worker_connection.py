"""A worker that loses its broker, or its loop, while jobs run: they run once, and their result counts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.fleet import NAMES, Fleet, fleet_on
from tests.support.jobs import Block, Fall, Hold, Note
from tests.support.proxy import Proxy, proxied


@pytest.fixture
def fleet(fresh_broker: Broker, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(fresh_broker.amqp_url, tmp_path) as fleet:
        yield fleet


@pytest.fixture
def proxy(fresh_broker: Broker) -> Iterator[Proxy]:
    with proxied(fresh_broker.amqp_url) as proxy:
        yield proxy


def leave(fleet: Fleet) -> None:
    """Stop every worker; what is left in the queue then was in nobody's hands and in nobody's mind."""
    for worker in fleet.workers:
        worker.tell(signal.SIGTERM)
        assert worker.ended() == 0
    assert fleet.is_empty()


def test_a_handler_that_blocks_the_loop_for_five_heartbeats_loses_nothing_and_runs_once(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, heartbeat=1, slots=4)
    id = fleet.submit(Block(place=fleet.home, seconds=5.0))
    fleet.running(id)
    (reply,) = fleet.replies(1)
    assert (reply.id, reply.deliveries) == (id, 1)
    assert fleet.runs == [id]
    assert proxy.accepted == 2
    assert not worker.events("link.lost")
    leave(fleet)


def test_a_job_that_runs_while_the_connection_is_cut_is_adopted_and_runs_once(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, slots=4)
    ids = [fleet.submit(Hold(place=fleet.home)) for _ in range(2)]
    fleet.running(*ids)
    proxy.cut()
    eventually(lambda: len(worker.events("job.adopted", running=True)) == 2)
    fleet.release()
    replies = fleet.replies(2)
    assert {reply.id for reply in replies} == set(ids)
    assert all((reply.state.value, reply.deliveries, reply.attempt) == ("done", 2, 1) for reply in replies)
    assert sorted(fleet.runs) == sorted(ids)
    leave(fleet)


def test_a_job_that_comes_back_while_its_dead_letter_is_on_the_way_is_settled(fleet: Fleet, proxy: Proxy) -> None:
    """The dead letter is confirmed over the new connection; the delivery to ack is the new one."""
    worker = fleet.worker(amqp_url=proxy.url, slots=4, records_url="off")
    id = fleet.submit(Fall(place=fleet.home))
    fleet.running(id)
    proxy.drop("down")
    fleet.release()
    eventually(lambda: fleet.rabbit.ready(NAMES.dead_of("default")) == 1)  # and no confirm of it
    proxy.cut()
    worker.saw("job.adopted", job=id)
    leave(fleet)
    assert fleet.runs == [id]
    assert {found.properties.message_id for found in fleet.rabbit.take(NAMES.dead_of("default"))} == {id}


def test_a_stalled_connection_costs_the_job_nothing(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, heartbeat=1, slots=4)
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    proxy.stall()
    worker.saw("link.lost")
    proxy.cut()
    proxy.flow()
    worker.saw("job.adopted", running=True)
    fleet.release()
    (reply,) = fleet.replies(1)
    assert (reply.id, reply.state.value, reply.deliveries) == (id, "done", 2)
    assert fleet.runs == [id]
    leave(fleet)


def test_a_job_that_ended_while_the_connection_was_away_is_acked_when_it_comes_back(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, slots=4, records_url="off")
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    proxy.refuse()
    worker.saw("worker.waiting")
    fleet.release()
    worker.saw("job.finished", job=id)
    proxy.accept()
    worker.saw("job.adopted", job=id, running=False)
    assert fleet.runs == [id]

    # The same id again, on purpose: a first delivery is never taken for one that came back.
    fleet.submit(Note(place=fleet.home), id)
    fleet.running(id, times=2)
    leave(fleet)


def test_another_worker_may_have_it_meanwhile_then_both_run_it(fleet: Fleet, proxy: Proxy) -> None:
    one = fleet.worker("one", amqp_url=proxy.url, slots=4)
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    proxy.refuse()
    one.saw("worker.waiting")
    fleet.worker("two", slots=4)
    fleet.running(id, times=2)
    proxy.accept()
    eventually(lambda: len(one.events("worker.ready")) == 2)
    fleet.release()
    replies = fleet.replies(2)
    assert {(reply.id, reply.worker) for reply in replies} == {(id, "one"), (id, "two")}
    assert fleet.runners == {"one": 1, "two": 1}
    leave(fleet)


def test_two_messages_of_one_job_are_two_runs_and_both_are_settled_over_a_cut(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, slots=4)
    id = fleet.submit(Hold(place=fleet.home))
    fleet.submit(Hold(place=fleet.home), id)
    fleet.running(id, times=2)
    proxy.cut()
    eventually(lambda: len(worker.events("job.adopted", running=True)) == 2)
    fleet.release()
    assert [reply.id for reply in fleet.replies(2)] == [id, id]
    assert fleet.runs == [id, id]
    leave(fleet)


def test_with_all_slots_taken_over_a_cut_the_worker_is_back_at_its_full_width_after(fleet: Fleet, proxy: Proxy) -> None:
    worker = fleet.worker(amqp_url=proxy.url, slots=4, queues="default")
    ids = [fleet.submit(Hold(place=fleet.home)) for _ in range(4)]
    fleet.running(*ids)
    proxy.cut()
    worker.saw("job.adopted", running=True)
    fleet.release()
    assert {reply.id for reply in fleet.replies(4)} == set(ids)
    assert sorted(fleet.runs) == sorted(ids)
    (fleet.home / "release").unlink()
    more = [fleet.submit(Hold(place=fleet.home)) for _ in range(6)]
    eventually(lambda: sum(id in fleet.runs for id in more) == 4)
    assert fleet.rabbit.ready(NAMES.work("default")) == 2
    fleet.release()
    fleet.replies(6)
    leave(fleet)
