"""How the SQLite store goes about it: groups, durability, and an index for each question."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import pytest

from shared.envelope import State
from shared.errors import RecordsDown
from shared.records import Accepted, Ended, Query
from shared.records.cursor import Place
from shared.records.sqlite import SqliteRecords
from shared.records.sqlite.database import Connection, Database
from shared.records.sqlite.find import Question, counts, many, one, page
from shared.records.sqlite.sweep import OLDEST
from shared.records.sqlite.writer import Write, Writer
from tests.support.record_writes import DEADLINE, Told, done, job, store


class Counting(Database):
    """Counts its transactions."""

    transactions = 0

    @contextmanager
    def transaction(self, connection: Connection) -> Generator[None]:
        self.transactions += 1
        with super().transaction(connection):
            yield


MADE = 2  # transactions: the tables, and the write that holds the writer up


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with closing(Database(tmp_path / "records.sqlite3").open()) as opened:
        yield opened


def plan(connection: Connection, question: Question) -> str:
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question.sql}", question.values))


@pytest.fixture
def database(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "records.sqlite3", patience=0.05)


def put_at_once(writer: Writer, number: int, meanwhile: Callable[[], object] = lambda: None) -> list[Told]:
    """Puts so many writes while the writer's thread is held up after its first commit, then lets it go on."""
    held, go = threading.Event(), threading.Event()

    def hold(_: RecordsDown | None) -> None:
        held.set()
        assert go.wait(DEADLINE)

    writer.put(Write((), hold))
    assert held.wait(DEADLINE)
    told = [Told() for _ in range(number)]
    for each in told:
        writer.put(Write((Accepted(job("a")),), each))
    meanwhile()
    go.set()
    return told


def test_what_waits_is_committed_in_groups(database: Counting) -> None:
    with closing(Writer(database)) as writer:
        told = put_at_once(writer, 1_200)
        assert [each.wait() for each in told] == [None] * 1_200
        assert database.transactions == MADE + 3  # 500, 500, 200


def test_a_lock_that_stays_is_waited_for_once(database: Counting) -> None:
    with closing(Writer(database)) as writer, closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        told = put_at_once(writer, 1_200, meanwhile=lambda: other.execute("BEGIN IMMEDIATE"))
        assert {type(each.wait()) for each in told} == {RecordsDown}
        assert database.transactions == MADE + 1


def test_what_is_swept_leaves_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite3"
    with closing(SqliteRecords(path)) as records, closing(sqlite3.connect(path)) as reader:
        store(records, Ended(done("a")._replace(tags=("red", "blue"))), Ended(done("b", finished=9_000)._replace(tags=("red",))))
        assert reader.execute("SELECT count(*) FROM tags").fetchone() == (3,)
        assert records.sweep(3_000, 10) == 1
        assert reader.execute("SELECT tag, id FROM tags").fetchall() == [("red", "b")]


def test_a_commit_is_on_the_disk(connection: Connection) -> None:
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


QUERIES = [Query(*each) for each in product((None, State.DEAD, State.DONE), (None, "a.type"), (None, "a-queue"), (None, "a-tag"))]


@pytest.mark.parametrize("after", [None, Place(1_000, "an id")], ids=["first", "later"])
@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_page_walks_an_index_and_sorts_nothing(connection: Connection, query: Query, after: Place | None) -> None:
    steps = plan(connection, page(query, after, 50))
    assert "TEMP B-TREE" not in steps
    if query != Query() or after is not None:
        assert "SCAN" not in steps


def test_every_other_question_has_its_index(connection: Connection) -> None:
    assert "USING INDEX sqlite_autoindex_records_1 (id=?)" in plan(connection, one("a"))
    assert "USING INDEX sqlite_autoindex_records_1 (id=?)" in plan(connection, many(["a", "b"]))
    assert plan(connection, counts()) == "SCAN records USING COVERING INDEX counted"
    assert plan(connection, Question(OLDEST, (1_000, 100))) == "SEARCH records USING INDEX by_end (<expr><?)"
