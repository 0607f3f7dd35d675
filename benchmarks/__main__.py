"""make bench: Fairway next to the floor, in one run, on one broker.

The broker is that of FAIRWAY_AMQP_URL, or a private node as `fairway up` starts one.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.scenarios import WITH_RECORDS, Bench, Row
from fairway.launch.broker import start
from shared.control.apply import apply
from shared.settings import Settings

SCENARIOS = ("submit", "threads", "drain", "calls", "http")


@click.command()
@click.option("--jobs", default=40_000, show_default=True, help="jobs of the larger scenarios")
@click.option("--quick", is_flag=True, help="a quarter of the jobs")
@click.option("--only", type=click.Choice(SCENARIOS), multiple=True, help="these scenarios (by default all)")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of the table")
def main(jobs: int, quick: bool, only: tuple[str, ...], as_json: bool) -> None:
    """Measure, and print jobs a second and CPU microseconds a job of the Python side."""
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as home, broker(Path(home)) as environ:
        bench = Bench(environ, jobs // 4 if quick else jobs)
        rows = [row for name in only or SCENARIOS for row in measured(bench, name)]
    print(json.dumps([asdict(row) for row in rows], indent=2) if as_json else table(rows))


def measured(bench: Bench, name: str) -> Iterator[Row]:
    """The rows of one scenario."""
    found = getattr(bench, name)()
    yield from [found] if isinstance(found, Row) else found


@contextmanager
def broker(home: Path) -> Iterator[Mapping[str, str]]:
    """The environment of the measured processes: a broker, a prefix and a topology of the bench's own."""
    given = os.environ.get("FAIRWAY_AMQP_URL")
    server, config = (None, None) if given else start(home, os.environ, lambda line: print(line, file=sys.stderr))
    environ = {
        **os.environ,
        "FAIRWAY_AMQP_URL": config.amqp_url if config else str(given),
        "FAIRWAY_HOME": str(home),
        "FAIRWAY_PREFIX": "bench",
        "FAIRWAY_JOBS": "benchmarks.jobs",
        "FAIRWAY_HANDLERS": "benchmarks.handlers",
        "FAIRWAY_LOG_LEVEL": "warning",
        "FAIRWAY_SLOTS": "256",
        "FAIRWAY_WEB_PORT": str(free_port()),
    }
    try:
        for prefix, records in ((environ["FAIRWAY_PREFIX"], "off"), (WITH_RECORDS, "sqlite:///unused")):
            settings = Settings.model_validate({"amqp_url": environ["FAIRWAY_AMQP_URL"], "prefix": prefix, "records_url": records})
            asyncio.run(apply(settings, ["bench"]))
        yield environ
    finally:
        if server is not None:
            server.purge()


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(rows: list[Row]) -> str:
    """The rows as text, each figure with its floor to the right of it."""
    lines = [f"{'':36} {'jobs/s':>17} {'CPU µs a job':>17} {'ratio':>6} {'p50 ms':>15} {'p99 ms':>15}"]
    for row in rows:
        ours, floor = row.ours, row.floor
        cells = [
            pair(ours.rate, floor.rate if floor else None, 8, 0),
            pair(ours.cpu, floor.cpu if floor else None, 8, 1),
            f"{ours.cpu / floor.cpu:6.2f}" if floor else " " * 6,
            pair(ours.p50, floor.p50 if floor else None, 7, 2),
            pair(ours.p99, floor.p99 if floor else None, 7, 2),
        ]
        lines.append(f"{row.name:36} {' '.join(cells)}")
    return "\n".join(line.rstrip() for line in lines)


def pair(ours: float | None, floor: float | None, width: int, digits: int) -> str:
    """Two numbers beside each other; white space for one that is not there."""
    return " ".join(" " * width if value is None else f"{value:{width},.{digits}f}" for value in (ours, floor))


if __name__ == "__main__":
    main()
