"""A whole Fairway as a user starts it: `fairway up` in a folder of its own, spoken to over HTTP.

The broker is the test run's (a vhost of it), or the deployment's own where a test restarts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from fairway.environment import environment
from tests.support.broker import Broker

T = TypeVar("T")

STARTING = 60.0  # seconds


class Deployment:
    """A running `fairway up`; `home` is its folder, `http` a client of its web tier."""

    def __init__(self, home: Path, environ: Mapping[str, str], process: subprocess.Popen[bytes]) -> None:
        self.home, self.process = home, process
        self.environ = environment(environ)
        self.url = self.environ["FAIRWAY_WEB_URL"]
        self.http = httpx2.Client(base_url=self.url, timeout=60.0)

    def submit(self, type: str, args: Mapping[str, Any], **more: Any) -> str:
        """One job; returns its id."""
        answer = self.http.post("/v1/jobs", json={"type": type, "args": args, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def batch(self, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Many jobs at once; returns their ids."""
        answer = self.http.post("/v1/jobs/batch", json=list(jobs))
        assert answer.status_code == 202, answer.text
        return [outcome["id"] for outcome in answer.json()["outcomes"]]

    def job(self, id: str, wait: float = 0.0) -> dict[str, Any]:
        """The record of a job, as soon as it ends or after `wait` seconds."""
        answer = self.http.get(f"/v1/jobs/{id}", params={"wait": wait} if wait else {})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, ids: Sequence[str], within: float) -> list[dict[str, Any]]:
        """The records of jobs when all of them have ended; fails after `within` seconds."""
        until = time.monotonic() + within
        records = []
        for id in ids:
            record = self.job(id, wait=min(20.0, max(0.1, until - time.monotonic())))
            while record["finished"] is None:
                assert time.monotonic() < until, f"not ended within {within} s: {record}"
                record = self.job(id, wait=min(20.0, max(0.1, until - time.monotonic())))
            records.append(record)
        return records

    def workers(self) -> list[dict[str, Any]]:
        return list(self.http.get("/v1/workers").json()["items"])

    @contextmanager
    def worker(self, name: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """One more worker, started by hand; ended after the block. Its log is read from its standard output."""
        environ = {**self.environ, "FAIRWAY_NAME": name, "FAIRWAY_LOG": "json", **settings}
        process = subprocess.Popen([sys.executable, "-m", "worker"], env=environ, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=40)


@contextmanager
def deployed(home: Path, *, workers: int, broker: Broker | None = None, **settings: str) -> Iterator[Deployment]:
    """`fairway up` with `workers` workers on `broker`, or on a node of its own where there is none given."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("FAIRWAY_")}
    environ = {**given, "FAIRWAY_HOME": str(home), "FAIRWAY_WEB_PORT": "0", "WORKERS": str(workers), "FAIRWAY_LOG": "json", **settings}
    if broker is not None:
        environ["FAIRWAY_AMQP_URL"] = broker.amqp_url
    home.mkdir(parents=True, exist_ok=True)
    log = home / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "fairway", "up"], env=environ, stdout=out, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: process.poll() is not None or b"/docs" in log.read_bytes(), STARTING)
        assert process.poll() is None, log.read_text()
        deployment = Deployment(home, environ, process)
        yield deployment
        deployment.http.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def eventually(condition: Callable[[], T], within: float) -> T:
    """What `condition` gives as soon as it is truthy; fails after `within` seconds."""
    until = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < until, f"not within {within} s"
        time.sleep(0.05)
    return found
