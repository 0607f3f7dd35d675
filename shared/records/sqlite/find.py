"""Questions as SQL: each walks one index from its newest end and stops when the page is full.

SQLite knows nothing of how the values are spread and would now and then sort all records of a queue; so the index is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pydantic_core import to_json

from shared.envelope import State
from shared.records.cursor import Place
from shared.records.port import Query
from shared.records.sqlite.rows import COLUMNS


class Question(NamedTuple):
    """A statement and the values for its question marks."""

    sql: str
    values: tuple[str | int, ...] = ()


_SEEN = "state <> ''"  # a row without a state is no record yet
_SELECT = f"SELECT {COLUMNS} FROM records WHERE {_SEEN}"  # noqa: S608  (constants alone are joined here; values are bound)
_COUNTS = Question(f"SELECT queue, state, count(*) FROM records WHERE {_SEEN} GROUP BY queue, state")  # noqa: S608


def one(id: str) -> Question:
    """The record with this id."""
    return Question(f"{_SELECT} AND id = ?", (id,))


def many(ids: Iterable[str]) -> Question:
    """All of the records with these ids; one statement for any number of them."""
    listed = "SELECT value FROM json_each(?)"
    return Question(f"{_SELECT} AND id IN ({listed})", (to_json(list(ids)).decode(),))


def counts() -> Question:
    """Rows of queue, state, number; the index `counted` alone is read."""
    return _COUNTS


def page(query: Query, after: Place | None, limit: int) -> Question:
    """The newest `limit` records that fit the query and lie after the place."""
    tables, order = _walk(query)
    wanted = {
        "tags.tag = ?": query.tag,
        "records.state = ?": None if query.state is None else query.state.value,
        "records.type = ?": query.type,
        "records.queue = ?": query.queue,
    }
    given = {condition: value for condition, value in wanted.items() if value is not None}
    conditions = [f"records.{_SEEN}", *given]
    values: list[str | int] = [*given.values()]
    if after is not None:
        conditions.append(f"({order}.created, {order}.id) < (?, ?)")
        values += after
    columns = ", ".join(f"records.{column}" for column in COLUMNS.split(", "))
    select = f"SELECT {columns} FROM {tables} WHERE {' AND '.join(conditions)}"  # noqa: S608  (as above)
    return Question(f"{select} ORDER BY {order}.created DESC, {order}.id DESC LIMIT ?", (*values, limit))


def _walk(query: Query) -> tuple[str, str]:
    """The tables in the order of the walk, and the one whose index gives the page's order.

    The filter that most likely leaves least: a tag, a state that jobs don't stay in, a type, a queue.
    """
    if query.tag is not None:
        return "tags CROSS JOIN records ON records.id = tags.id", "tags"
    if query.state not in {None, State.DONE}:
        return "records INDEXED BY by_state", "records"
    if query.type is not None:
        return "records INDEXED BY by_type", "records"
    if query.queue is not None:
        return "records INDEXED BY by_queue", "records"
    if query.state is not None:
        return "records INDEXED BY by_state", "records"
    return "records INDEXED BY by_age", "records"
