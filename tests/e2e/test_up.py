"""`fairway up` and `fairway down` as a person uses them: real processes, a real RabbitMQ, signals from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2
import pytest

from fairway.environment import kept
from tests.support.broker import Broker
from tests.support.sessions import sessions

FAIRWAY = (sys.executable, "-m", "fairway")
IS_UP = "Fairway is up"


class Up:
    """A running `fairway up` in a folder of its own."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.home = home
        self._output: IO[str] = process.stdout
        self.said: list[str] = []

    def wait_for(self, words: str) -> None:
        """Read what it says up to a line with these words."""
        for line in self._output:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}:\n{''.join(self.said)}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal, read to the end, return the exit code."""
        self.process.send_signal(number)
        self.said.extend(self._output)
        return self.process.wait()

    @property
    def url(self) -> str:
        return kept(self.home)["FAIRWAY_WEB_URL"]

    def pids(self) -> set[int]:
        return {int(path.read_text().split()[0]) for path in self.home.glob("**/*.pid") if path.name != "beam.pid"}

    def wait_until_busy(self) -> None:
        """Wait until the web tier has heard that a job runs."""
        deadline = time.monotonic() + 10
        while not any(worker["in_flight"] for worker in httpx2.get(f"{self.url}/v1/workers", trust_env=False).json()["items"]):
            assert time.monotonic() < deadline, "no worker took the job"
            time.sleep(0.05)

    def submit(self, type: str, **args: object) -> httpx2.Response:
        """POST a job and wait for its end."""
        return httpx2.post(
            f"{self.url}/v1/jobs", json={"type": type, "args": args}, headers={"Prefer": "wait=10"}, timeout=20, trust_env=False
        )


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FAIRWAY_") or name == "FAIRWAY_BROKER"}
    return clean | {"FAIRWAY_HOME": str(tmp_path / "home"), "FAIRWAY_WEB_PORT": "0", "FAIRWAY_PROCESSES": "1"}


@contextmanager
def started(env: dict[str, str], workers: int) -> Generator[Up]:
    command = [*FAIRWAY, "up", f"--workers={workers}"]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        up = Up(process, Path(env["FAIRWAY_HOME"]))
        try:
            yield up
        finally:
            process.kill()
            subprocess.run([*FAIRWAY, "down", "--purge"], env=env, check=True, capture_output=True)


@pytest.fixture
def given(env: dict[str, str], fresh_broker: Broker) -> dict[str, str]:
    """The environment with a RabbitMQ that is there already."""
    return env | {"FAIRWAY_AMQP_URL": fresh_broker.amqp_url}


def test_from_nothing_to_a_first_result_and_to_nothing_again(env: dict[str, str]) -> None:
    with started(env, workers=2) as up:
        up.wait_for(IS_UP)
        answer = up.submit("text.count", text="to be or not to be")
        assert answer.status_code == httpx2.codes.OK
        assert answer.json()["reply"]["words"] == 6
        pids = up.pids()
        assert up.end(signal.SIGINT) == 0
        assert "web stopped\n" in up.said
        assert up.said[-1] == "stopping RabbitMQ\n"
    assert len(pids) == 6, "up, two workers, the web tier, RabbitMQ and its epmd"
    assert not pids & sessions()
    assert not up.home.exists()


def test_a_stop_waits_for_what_runs_and_its_caller_gets_the_reply(given: dict[str, str]) -> None:
    with started(given, workers=1) as up, ThreadPoolExecutor(1) as callers:
        up.wait_for(IS_UP)
        call = callers.submit(up.submit, "demo.sleep", seconds=2)
        up.wait_until_busy()
        assert up.end(signal.SIGTERM) == 0
        assert any("waiting for 1 running job" in line for line in up.said)
        assert call.result().json()["state"] == "done"


def test_down_stops_what_a_killed_up_left_behind(given: dict[str, str]) -> None:
    with started(given, workers=1) as up:
        up.wait_for(IS_UP)
        pids = up.pids() - {up.process.pid}
        up.process.kill()
        up.process.wait()
        assert pids <= sessions()
        subprocess.run([*FAIRWAY, "down"], env=given, check=True)
        assert not pids & sessions()
        assert kept(up.home) == {}


def test_one_folder_has_one_up(given: dict[str, str]) -> None:
    with started(given, workers=1) as up:
        up.wait_for(IS_UP)
        second = subprocess.run([*FAIRWAY, "up"], env=given, check=False, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"runs here already (pid {up.process.pid})" in second.stderr
        assert up.process.poll() is None


def test_a_port_that_is_taken_is_told_with_its_setting(given: dict[str, str]) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        started(given | {"FAIRWAY_WEB_PORT": str(other.getsockname()[1])}, workers=1) as up,
    ):
        up.wait_for("FAIRWAY_WEB_PORT: ")
        assert up.process.wait() == os.EX_CONFIG
