"""How a worker leaves: warm, over its grace, cold, or killed. Nothing is lost, and what ended is not run again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.fleet import NAMES, Fleet, fleet_on
from tests.support.jobs import Brief, Hold, Note, Side


@pytest.fixture
def fleet(fresh_broker: Broker, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(fresh_broker.amqp_url, tmp_path) as fleet:
        yield fleet


def test_a_job_whose_worker_is_killed_is_finished_by_another(fleet: Fleet) -> None:
    one = fleet.worker("one")
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    fleet.worker("two")
    one.tell(signal.SIGKILL)
    fleet.running(id, times=2)
    fleet.release()
    (reply,) = fleet.replies(1)
    assert (reply.id, reply.state.value, reply.worker) == (id, "done", "two")
    assert (reply.deliveries, reply.attempt) == (2, 1)


def test_a_warm_stop_lets_what_runs_end_and_hands_back_what_has_not_begun(fleet: Fleet) -> None:
    worker = fleet.worker(slots=1, queues="default,side")
    running = fleet.submit(Hold(place=fleet.home))
    fleet.running(running)
    waiting = fleet.submit(Side(place=fleet.home))
    work = NAMES.work("side")
    eventually(lambda: fleet.rabbit.ready(work) == 0)  # it is in the worker's hands
    worker.tell(signal.SIGTERM)
    worker.saw("worker.stopping")
    eventually(lambda: fleet.rabbit.ready(work) == 1)
    later = fleet.submit(Note(place=fleet.home))
    fleet.release()
    assert worker.ended() == 0
    assert fleet.runs == [running]
    (reply,) = fleet.replies(1)
    assert (reply.id, reply.state.value) == (running, "done")
    assert [found.properties.message_id for found in fleet.rabbit.take(work, 1)] == [waiting]
    assert [found.properties.message_id for found in fleet.rabbit.take(NAMES.work("default"), 1)] == [later]
    assert worker.saw("worker.stopped")["cold"] is False


def test_what_still_runs_when_the_grace_is_over_is_given_back(fleet: Fleet) -> None:
    worker = fleet.worker(grace=0.2)
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
    assert [found.properties.message_id for found in fleet.rabbit.take(NAMES.work("default"), 1)] == [id]
    assert worker.saw("job.given_back", started=True)
    assert fleet.rabbit.ready(NAMES.records) == 0


def test_told_twice_it_leaves_at_once_and_says_so(fleet: Fleet) -> None:
    worker = fleet.worker(grace=60)
    id = fleet.submit(Hold(place=fleet.home))
    fleet.running(id)
    worker.tell(signal.SIGTERM)
    worker.saw("worker.stopping")
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 1
    assert [found.properties.message_id for found in fleet.rabbit.take(NAMES.work("default"), 1)] == [id]
    assert worker.saw("worker.stopped")["cold"] is True


def test_workers_come_and_go_under_load_and_each_job_runs_once(fleet: Fleet) -> None:
    """Warm stops only: what was on its way to a leaving worker never began there."""
    leaving, staying = fleet.worker("leaving", slots=8), fleet.worker("staying", slots=8)
    ids = [fleet.submit(Brief(place=fleet.home, seconds=0.01)) for _ in range(400)]
    eventually(lambda: fleet.runners["leaving"] >= 20)
    leaving.tell(signal.SIGTERM)
    late = fleet.start("late", slots=8)
    assert leaving.ended() == 0
    replies = fleet.replies(400)
    assert sorted(reply.id for reply in replies) == sorted(ids)
    assert all(reply.state.value == "done" for reply in replies)
    assert sorted(fleet.runs) == sorted(ids)
    for worker in (late.is_ready(), staying):
        worker.tell(signal.SIGTERM)
        assert worker.ended() == 0
    assert fleet.is_empty()


def test_a_worker_that_is_told_to_leave_while_it_cannot_reach_its_broker_leaves(fleet: Fleet) -> None:
    worker = fleet.start(amqp_url="amqp://u:p@127.0.0.1:1/")
    worker.saw("link.unreachable")
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
