"""One file, several processes: they write at once, see each other's commits, and one that is killed loses nothing it reported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.envelope import State
from shared.records import Accepted, Query, Records, open_records
from tests.support.record_writes import DEADLINE, job, store, watched

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/records.sqlite3"


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    made = open_records(url)
    assert made is not None
    yield made
    made.close()


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(processes: ExitStack, url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.record_process", url, *arguments]
    process = processes.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
    processes.callback(process.kill)
    return process


def finished(process: subprocess.Popen[str]) -> list[str]:
    """The lines that the process printed; it must end well."""
    output, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    return output.splitlines()


def ids(name: str, count: int) -> set[str]:
    return {f"{name}-{number}" for number in range(count)}


def test_several_processes_make_the_file_and_write_at_once(processes: ExitStack, url: str, records: Records) -> None:
    names = [f"p{number}" for number in range(5)]
    writers = [start(processes, url, "load", name, "300") for name in names]
    for name, writer in zip(names, writers, strict=True):
        assert set(finished(writer)) == ids(name, 300)
    assert records.counts() == {"default": {State.QUEUED: 1_500}}


def test_the_first_end_of_several_processes_wins_and_stays(processes: ExitStack, url: str, records: Records) -> None:
    store(records, *(Accepted(job(str(number))) for number in range(100)))
    enders = [start(processes, url, "end", name, "100") for name in ("left", "right")]
    seen = [dict(line.split() for line in finished(ender)) for ender in enders]
    kept = {record.id: record.worker for record in records.find(Query(), None, 1_000).items}
    assert seen[0] == seen[1] == kept


def test_a_commit_of_another_process_is_noticed(processes: ExitStack, url: str, records: Records) -> None:
    store(records, Accepted(job("own")))
    before = records.changed()
    assert records.changed() == before
    other = start(processes, url, "load", "other", "1")
    assert watched(records, before) != before
    assert finished(other) == ["other-0"]
    assert records.get("other-0") is not None


def test_a_killed_writer_loses_nothing_that_it_reported(processes: ExitStack, url: str, records: Records) -> None:
    writer = start(processes, url, "load", "killed", "1000000")
    assert writer.stdout is not None
    reported = [writer.stdout.readline().strip() for _ in range(500)]
    writer.kill()
    reported += writer.stdout.read().splitlines()  # what was still in the pipe
    assert reported[:3] == ["killed-0", "killed-1", "killed-2"]
    assert records.get_many(reported).keys() == set(reported)
    store(records, Accepted(job("after")))  # the dead one left no lock


def test_records_opened_before_a_fork_are_refused_in_the_child(processes: ExitStack, url: str, records: Records) -> None:
    lines = finished(start(processes, url, "fork"))
    assert len(lines) == 3
    assert all("was forked; call open_records again" in line for line in lines)
    assert records.get("before") is not None
    assert records.get("after") is None
