"""How the SQLite store goes about it: groups, durability, and an index for each question."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import pytest

from shared.envelope import State
from shared.records import Accepted, Query
from shared.records.cursor import Place
from shared.records.sqlite.database import Connection, Database
from shared.records.sqlite.find import Question, counts, many, one, page
from shared.records.sqlite.sweep import OLDEST
from shared.records.sqlite.writer import Write, Writer
from tests.support.record_writes import DEADLINE, Told, job


class Counting(Database):
    """Counts its transactions."""

    transactions = 0

    @contextmanager
    def transaction(self, connection: Connection) -> Generator[None]:
        self.transactions += 1
        with super().transaction(connection):
            yield


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with closing(Database(tmp_path / "records.sqlite3").open()) as opened:
        yield opened


def plan(connection: Connection, question: Question) -> str:
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question.sql}", question.values))


def test_what_waits_is_committed_in_groups(tmp_path: Path) -> None:
    database = Counting(tmp_path / "records.sqlite3")
    writer = Writer(database)
    held, go = threading.Event(), threading.Event()
    writer.put(Write((), lambda _: hold(held, go)))  # holds the writer's thread up while the others come
    assert held.wait(DEADLINE)
    before = database.transactions
    told = [Told() for _ in range(1_200)]
    for number, each in enumerate(told):
        writer.put(Write((Accepted(job(f"{number}")),), each))
    go.set()
    assert [each.wait() for each in told] == [None] * 1_200
    assert database.transactions - before == 3  # 500, 500, 200
    writer.close()


def hold(held: threading.Event, go: threading.Event) -> None:
    held.set()
    assert go.wait(DEADLINE)


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
