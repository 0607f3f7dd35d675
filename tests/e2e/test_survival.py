"""What happens to jobs when a worker is killed, and when the broker goes away and comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from tests.support.broker import Broker
from tests.support.deployment import Deployment, deployed, eventually
from tests.support.processes import children, running

pytestmark = pytest.mark.timeout(300)


def test_a_killed_workers_job_is_finished_by_another(broker: Broker, tmp_path: Path) -> None:
    with broker.fresh_vhost() as fresh, deployed(tmp_path / "kill", workers=2, broker=fresh) as two:
        busy = two.ended(two.batch([{"type": "math.primes", "args": {"below": 1000}}] * 8), within=30)  # children are up
        assert {record["state"] for record in busy} == {"done"}
        id = two.submit("demo.sleep", {"seconds": 5})
        eventually(lambda: two.job(id)["state"] == "running", 10)
        holder = two.job(id)["worker"]
        victim = next(worker for worker in two.workers() if worker["name"] == holder)
        orphans = children(victim["pid"])
        os.kill(victim["pid"], signal.SIGKILL)
        (record,) = two.ended([id], within=30)
        assert record["state"] == "done"
        assert record["worker"] != victim["name"]
        assert (record["deliveries"], record["attempt"]) == (2, 1)
        eventually(lambda: not any(map(running, orphans)), 5)


def test_a_busy_child_ends_with_its_killed_worker(broker: Broker, tmp_path: Path) -> None:
    spinning = {"FAIRWAY_JOBS": "tests.support.spinning", "FAIRWAY_HANDLERS": "tests.support.spinning", "FAIRWAY_PROCESSES": "1"}
    with broker.fresh_vhost() as fresh, deployed(tmp_path / "child", workers=1, broker=fresh, FAIRWAY_GRACE="0", **spinning) as one:
        id = one.submit("test.spin", {})
        eventually(lambda: one.job(id)["state"] == "running", 20)
        (worker,) = one.workers()
        (child,) = children(worker["pid"])
        os.kill(worker["pid"], signal.SIGKILL)
        eventually(lambda: not running(child), 5)


class Load:
    """Fifty jobs a second over HTTP until told to stop; what each request was answered."""

    def __init__(self, url: str, every: float) -> None:
        self._url, self._every = url, every
        self.accepted: list[str] = []
        self.refused: list[httpx2.Response] = []
        self.slowest = 0.0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(10)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, timeout=20.0) as http:
            due = time.monotonic() + number * self._every
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due += self._every * len(self._threads)
                self._one(http)

    def _one(self, http: httpx2.Client) -> None:
        began = time.monotonic()
        try:
            answer = http.post("/v1/jobs", json={"type": "text.count", "args": {"text": "a b"}})
        except httpx2.HTTPError as error:
            self.failures.append(repr(error))
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code == 202:
            self.accepted.append(answer.json()["id"])
        else:
            self.refused.append(answer)


def test_every_accepted_job_survives_a_restart_of_the_broker(own_broker: Broker, tmp_path: Path) -> None:
    with own_broker.fresh_vhost() as fresh, deployed(tmp_path / "restart", workers=4, broker=fresh) as four:
        with Load(four.url, every=1 / 50) as load:
            eventually(lambda: len(load.accepted) > 100, 15)
            own_broker.stop()
            eventually(lambda: load.refused, 15)
            own_broker.start()
            back = time.monotonic()
            eventually(lambda: consumers(four) >= 4, 15)
            attached = time.monotonic() - back
            before = len(load.accepted)
            eventually(lambda: len(load.accepted) > before + 100, 20)
        assert load.failures == []
        assert {answer.status_code for answer in load.refused} == {503}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in load.refused)
        assert load.slowest < 10.0, "a request hung over its deadline"
        records = four.ended(load.accepted, within=60)
        assert {record["state"] for record in records} == {"done"}
        assert attached < 15.0


def consumers(four: Deployment) -> int:
    answer = four.http.get("/v1/queues")
    if answer.status_code != 200:
        return 0
    queues: list[dict[str, Any]] = answer.json()["items"]
    return next(int(queue["consumers"] or 0) for queue in queues if queue["name"] == "default")
