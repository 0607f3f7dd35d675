"""Between changes and rows: the merging upserts, and a row as a record. The rules are those of `shared.records.port`.

A group of changes goes in as few statements as can be, of 1, 2, 4 ... 256 rows, not by `executemany`: each row of that gives up
the GIL and has to win it back, from a busy loop once in a while only (measured, a group of 100: 150 ms; in few statements 2 to 6 ms).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from shared.envelope import Reply, State
from shared.errors import PROBLEM
from shared.record import Record
from shared.records.port import Accepted, Change, Ended, Started
from shared.records.sqlite.schema import UNFINISHED

Row = tuple[str | int | bytes | None, ...]

COLUMNS = "id, type, queue, state, created, args, tags, attempt, deliveries, worker, reply, problem, started, finished"

_SIZES = tuple(1 << power for power in range(8, -1, -1))


class Upsert:
    """One statement for any number of rows: `head` VALUES `row`, `row` ... `tail`."""

    def __init__(self, head: str, row: str, tail: str) -> None:
        self._by_size = {size: f"{head} VALUES {', '.join([row] * size)} {tail}" for size in _SIZES}

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        at = 0
        for size in _SIZES:
            while len(rows) - at >= size:
                connection.execute(self._by_size[size], list(chain.from_iterable(rows[at : at + size])))
                at += size


ACCEPTED = Upsert(
    "INSERT INTO records (id, type, queue, state, created, accepted, attempt, deliveries, tags, args)",
    "(?, ?, ?, 'queued', ?, 1, 1, 0, ?, ?)",
    """
    ON CONFLICT (id) DO UPDATE SET
        type = excluded.type, queue = excluded.queue, created = excluded.created, tags = excluded.tags, args = excluded.args,
        accepted = 1, state = iif(state = '', 'running', state)
    WHERE NOT accepted OR excluded.created < created
    """,
)

# The row's own columns are those before the change. To have begun attempt n the job was delivered n times at least.
STARTED = Upsert(
    "INSERT INTO records (id, type, queue, state, created, accepted, attempt, deliveries, worker, started, tags)",
    "(?, '', '', '', 0, 0, ?, ?, ?, ?, '[]')",
    f"""
    ON CONFLICT (id) DO UPDATE SET
        state = iif(accepted, 'running', ''),
        attempt = max(attempt, excluded.attempt),
        deliveries = max(deliveries, excluded.deliveries),
        worker = iif((excluded.started, excluded.worker) > (ifnull(started, -1), ifnull(worker, '')), excluded.worker, worker),
        started = max(ifnull(started, -1), excluded.started)
    WHERE state = '' OR state IN {UNFINISHED}
    """,
)

ENDED = Upsert(
    """
    INSERT INTO records
        (id, type, queue, state, created, accepted, attempt, deliveries, worker, started, finished, tags, args, reply, problem)
    """,
    "(?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    f"""
    ON CONFLICT (id) DO UPDATE SET
        type = iif(accepted, type, excluded.type),
        queue = iif(accepted, queue, excluded.queue),
        created = iif(accepted, created, excluded.created),
        tags = iif(accepted, tags, excluded.tags),
        args = iif(accepted, args, excluded.args),
        state = excluded.state, attempt = excluded.attempt, deliveries = excluded.deliveries, worker = excluded.worker,
        started = excluded.started, finished = excluded.finished, reply = excluded.reply, problem = excluded.problem
    WHERE state = '' OR state IN {UNFINISHED}
    """,
)


def apply(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Merge the changes into the rows, inside of a transaction. Kind by kind: their order among each other doesn't matter."""
    accepted: list[Row] = []
    started: list[Row] = []
    ended: list[Row] = []
    for change in changes:
        match change:
            case Accepted(job):
                accepted.append((job.id, job.type, job.queue, job.created, _tags(job.tags), job.args))
            case Started(id, worker, attempt, at_ms):
                started.append((id, attempt, attempt, worker, at_ms))
            case Ended(reply, args):
                ended.append(_ended(reply, args))
            case _:
                assert_never(change)
    ACCEPTED.run(connection, accepted)
    STARTED.run(connection, started)
    ENDED.run(connection, ended)


def _ended(reply: Reply, args: bytes | None) -> Row:
    if not reply.state.terminal:
        raise ValueError(f"state: {reply.state.value} is no end of a job")
    return (
        reply.id,
        reply.type,
        reply.queue,
        reply.state.value,
        reply.created,
        reply.attempt,
        reply.deliveries,
        reply.worker or None,
        reply.started,
        reply.finished,
        _tags(reply.tags),
        args,
        reply.reply,
        None if reply.problem is None else PROBLEM.dump_json(reply.problem, exclude_none=True),
    )


def _tags(tags: tuple[str, ...]) -> str:
    return to_json(tags).decode() if tags else "[]"


def record(row: Sequence[Any]) -> Record:
    """A row of `COLUMNS` as a record."""
    job, type_, queue, state, created, args, tags, attempt, deliveries, worker, reply, problem, started, finished = row
    return Record(
        id=job,
        type=type_,
        queue=queue,
        state=State(state),
        created=created,
        args=args,
        tags=() if tags == "[]" else tuple(from_json(tags)),
        attempt=attempt,
        deliveries=deliveries,
        worker=worker,
        reply=reply,
        problem=None if problem is None else PROBLEM.validate_json(problem),
        started=started,
        finished=finished,
    )
