"""The SQLite store when things go wrong: a lock that stays, a full disk, a file that is gone, no database at all."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.envelope import State
from shared.errors import RecordsDown, Unstorable
from shared.records import Accepted, Ended, Started
from shared.records.sqlite import SqliteRecords
from tests.support.record_writes import Told, done, found, job, outcome, store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite3"


@pytest.fixture
def records(path: Path) -> Iterator[SqliteRecords]:
    made = SqliteRecords(path, patience=0.05)
    yield made
    made.close()


@contextmanager
def longest_file(size: int) -> Generator[None]:
    """No file of this process may grow beyond `size` bytes: what a full disk is like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def remove(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def test_a_lock_that_stays_fails_all_that_waits_and_is_got_over(records: SqliteRecords, path: Path) -> None:
    store(records, Accepted(job("before")))
    with capture_logs() as logs, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = [Told() for _ in range(1_200)]
        for number, each in enumerate(told):
            records.write([Accepted(job(f"{number}"))], each)
        errors = [each.wait() for each in told]
        assert records.get("before") is not None  # to read needs no lock
        other.execute("ROLLBACK")
        store(records, Accepted(job("after")))
    assert {type(error) for error in errors} == {RecordsDown}
    assert f"{path} (FAIRWAY_RECORDS_URL): database is locked" in str(errors[0])
    assert found(records) == ["before", "after"]
    assert [line["event"] for line in logs] == ["records.down", "records.up"]


def test_a_full_disk_fails_the_write_and_is_got_over(records: SqliteRecords) -> None:
    store(records, Accepted(job("before")))
    with longest_file(256 * 1024):
        error = outcome(records, Accepted(job("large")._replace(args=b"x" * 1024 * 1024)))
        assert type(error) is RecordsDown
        assert records.get("before") is not None
    store(records, Accepted(job("after")))
    assert set(found(records)) == {"before", "after"}


def test_a_file_that_is_gone_takes_no_more_writes_in_silence(records: SqliteRecords, path: Path) -> None:
    store(records, Accepted(job("before")))
    assert records.get("before") is not None
    seen = records.changed()
    remove(path)
    store(records, Accepted(job("after")))
    assert found(records) == ["after"]
    assert records.changed() != seen
    with closing(SqliteRecords(path)) as another:
        assert found(another) == ["after"]


def test_a_folder_that_is_gone_is_down_until_it_is_back(records: SqliteRecords, path: Path) -> None:
    store(records, Accepted(job("before")))
    assert records.changed()
    elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
    assert type(outcome(records, Accepted(job("lost")))) is RecordsDown
    for ask in (lambda: records.get("before"), records.changed, records.counts, lambda: records.sweep(1, 1)):
        with pytest.raises(RecordsDown, match="FAIRWAY_RECORDS_URL"):
            ask()
    elsewhere.rename(path.parent)
    store(records, Accepted(job("after")))
    assert set(found(records)) == {"before", "after"}


def test_a_file_that_is_no_database_is_down(records: SqliteRecords, path: Path) -> None:
    path.write_bytes(b"no database, " * 100)
    error = outcome(records, Accepted(job("a")))
    assert type(error) is RecordsDown
    assert "not a database" in str(error)
    path.unlink()
    store(records, Accepted(job("a")))


def test_a_file_of_a_newer_fairway_is_left_alone(records: SqliteRecords, path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordsDown, match="schema is version 99, of a newer Fairway"):
        records.get("a")
    with closing(sqlite3.connect(path)) as newer:
        assert newer.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    [
        Accepted(job("bad", created=2**63)),
        Accepted(job("bad", queue="\ud800")),
        Accepted(job("bad", tags=("\ud800",))),
        Ended(done("bad")._replace(state=State.RETRYING)),
        Started(None, "w", 1, 1),  # type: ignore[arg-type]  # as of a foreign event
    ],
    ids=["a number over 64 bits", "no UTF-8", "a tag that is no UTF-8", "no end", "no id"],
)
def test_a_value_that_no_row_takes_fails_alone(records: SqliteRecords, change: Accepted | Ended | Started) -> None:
    with capture_logs() as logs:
        told = [Told() for _ in range(3)]
        for each, written in zip(told, (Accepted(job("a")), change, Accepted(job("b"))), strict=True):
            records.write([written], each)
        assert [type(each.wait()) for each in told] == [type(None), Unstorable, type(None)]
    assert set(found(records)) == {"a", "b"}
    assert logs == []  # the store isn't down


def test_a_done_that_raises_stops_nobody(records: SqliteRecords) -> None:
    def closed_loop(_: RecordsDown | None) -> None:
        raise RuntimeError("Event loop is closed")

    with capture_logs() as logs:
        records.write([Accepted(job("a"))], closed_loop)
        store(records, Accepted(job("b")))
    assert [line["event"] for line in logs] == ["records.done_failed"]
    assert set(found(records)) == {"a", "b"}
