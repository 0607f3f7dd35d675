"""Fair dispatch between workers: what one can't start, an idle one has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.fleet import NAMES, Fleet, fleet_on
from tests.support.jobs import Brief, Hold, Side


@pytest.fixture
def fleet(fresh_broker: Broker, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(fresh_broker.amqp_url, tmp_path) as fleet:
        yield fleet


def test_with_one_slot_each_the_short_jobs_all_end_while_the_long_one_runs(fleet: Fleet) -> None:
    for name in ("one", "two"):
        fleet.worker(name, slots=1, queues="default")
    ids = [fleet.submit(Brief(place=fleet.home, seconds=0.02)) for _ in range(10)]
    long = fleet.submit(Hold(place=fleet.home))
    ids += [fleet.submit(Brief(place=fleet.home, seconds=0.02)) for _ in range(30)]
    replies = fleet.replies(40)
    assert sorted(reply.id for reply in replies) == sorted(ids)
    assert long in fleet.runs
    fleet.release()
    assert [reply.id for reply in fleet.replies(1)] == [long]


def test_equal_jobs_are_shared_evenly(fleet: Fleet) -> None:
    for name in ("one", "two"):
        fleet.worker(name, slots=2, queues="default")
    for _ in range(100):
        fleet.submit(Brief(place=fleet.home, seconds=0.02))
    fleet.replies(100)
    assert min(fleet.runners.values()) >= 30, fleet.runners


def test_what_waits_for_a_slot_longer_than_a_second_goes_to_whoever_is_free(fleet: Fleet) -> None:
    """Two queues share the one slot of a worker; each consumer needs a window of one."""
    one = fleet.worker("one", slots=1, queues="default,side")
    held = fleet.submit(Hold(place=fleet.home))
    fleet.running(held)
    side = fleet.submit(Side(place=fleet.home))
    eventually(lambda: fleet.rabbit.ready(NAMES.work("side")) == 0)
    fleet.worker("two", slots=1, queues="side")
    fleet.running(side)
    assert fleet.runners["two"] == 1
    assert one.events("job.given_back", started=False, job=side)
    (reply,) = fleet.replies(1)
    assert (reply.id, reply.worker, reply.deliveries) == (side, "two", 1), "it never began: that is no delivery of its own"
