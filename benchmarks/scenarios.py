"""What is measured: each scenario runs its floor and Fairway in turn, on the same broker and the same queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pika

from benchmarks.figure import Figure
from shared.topology import Names

IN_FLIGHT, PREFETCH, CALLS, CONNECTIONS, THREADS = 256, 256, 64, 64, 32
WITH_RECORDS = "bench-http"  # the prefix of a topology with a records queue; the other has none
STARTING = 30.0  # seconds for a web process
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Row:
    """One line of the table; `floor` is None where nothing bare does the same."""

    name: str
    ours: Figure
    floor: Figure | None


@dataclass(frozen=True)
class Bench:
    """`environ` leads to the broker; `jobs` is the size of the larger scenarios."""

    environ: Mapping[str, str]
    jobs: int

    def submit(self) -> Row:
        """Confirmed submits from one process, 256 in flight."""
        floor = self._run("benchmarks.floor", "submit", self.jobs, IN_FLIGHT)
        self._empty()
        ours = self._run("benchmarks.ours", "submit", self.jobs, IN_FLIGHT)
        self._empty()
        return Row("submit, async client", ours, floor)

    def threads(self) -> Row:
        """Confirmed submits of the blocking client, 32 threads."""
        ours = self._run("benchmarks.ours", "threads", self.jobs // 4, THREADS)
        self._empty()
        return Row("submit, blocking client, 32 threads", ours, None)

    def drain(self) -> Row:
        """One worker process, no reply, records off: the queue is filled first."""
        self._run("benchmarks.floor", "submit", self.jobs, IN_FLIGHT)
        floor = self._run("benchmarks.floor", "drain", self.jobs, PREFETCH)
        self._run("benchmarks.floor", "submit", self.jobs, IN_FLIGHT)
        with self._started(["-m", "worker"], {"BENCH_JOBS": str(self.jobs), "FAIRWAY_RECORDS_URL": "off"}) as worker:
            assert worker.stdout is not None
            ours = Figure(**json.loads(worker.stdout.readline()))
        return Row("drain, no reply", ours, floor)

    def calls(self) -> Iterator[Row]:
        """Round trips: job, reply, both confirmed; one after the other, and 64 at once."""
        for name, jobs, in_flight in (("round trip, one by one", self.jobs // 20, 1), ("round trip, 64 in flight", self.jobs // 4, CALLS)):
            with self._started(["-m", "benchmarks.floor", "echo", "0", str(CALLS)], {}):
                floor = self._run("benchmarks.floor", "call", jobs, in_flight)
            with self._started(["-m", "worker"], {"FAIRWAY_RECORDS_URL": "off"}):
                ours = self._run("benchmarks.ours", "call", jobs, in_flight)
            yield Row(name, ours, floor)

    def http(self) -> Row:
        """`POST /v1/jobs` with its record, one web process, 64 connections; the CPU is the web process's."""
        records = Path(self.environ["FAIRWAY_HOME"]) / "bench.sqlite3"
        web_only = {"FAIRWAY_PREFIX": WITH_RECORDS, "FAIRWAY_RECORDS_URL": f"sqlite:///{records.absolute()}"}
        with self._started(["-m", "fairway", "web"], web_only, ready=False) as web:
            self._wait_for_web()
            self._run("benchmarks.ours", "http", self.jobs // 20, CONNECTIONS)
            before = cpu_of(web.pid)
            load = self._run("benchmarks.ours", "http", self.jobs // 4, CONNECTIONS)
            cpu = (cpu_of(web.pid) - before) / load.jobs * 1e6
        self._empty(WITH_RECORDS)
        floor = self._run("benchmarks.floor", "submit", self.jobs // 4, CONNECTIONS)
        self._empty()
        return Row("submit over HTTP, with record", Figure(load.jobs, load.seconds, cpu, load.p50, load.p99), floor)

    # -- inside ------------------------------------------------------------------------------------

    def _run(self, module: str, what: str, jobs: int, in_flight: int) -> Figure:
        command = [sys.executable, "-m", module, what, str(jobs), str(in_flight)]
        done = subprocess.run(command, env=self.environ, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
        return Figure(**json.loads(done.stdout.splitlines()[-1]))

    def _empty(self, prefix: str = "bench") -> None:
        with pika.BlockingConnection(pika.URLParameters(self.environ["FAIRWAY_AMQP_URL"].split(",")[0])) as connection:
            connection.channel().queue_purge(Names(prefix).work("bench"))

    @contextmanager
    def _started(self, arguments: list[str], more: Mapping[str, str], *, ready: bool = True) -> Iterator[subprocess.Popen[str]]:
        """A process that is ended after the block; waits until it says `ready`, where it does."""
        out = subprocess.PIPE if ready else subprocess.DEVNULL
        process = subprocess.Popen([sys.executable, *arguments], env={**self.environ, **more}, stdout=out, text=True)
        try:
            while ready and process.stdout is not None and process.stdout.readline().strip() != "ready":
                if process.poll() is not None:
                    raise RuntimeError(f"{arguments} ended with {process.returncode}")
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def _wait_for_web(self) -> None:
        url, until = f"http://127.0.0.1:{self.environ['FAIRWAY_WEB_PORT']}/readyz", time.monotonic() + STARTING
        while not answers(url):
            if time.monotonic() > until:
                raise RuntimeError(f"{url} does not answer")
            time.sleep(0.05)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads together (proc(5); Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
