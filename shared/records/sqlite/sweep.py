"""Deleting what is old, in steps: after each the file is left alone for as long as the step took, so that writers get their turn."""

from __future__ import annotations

import time
from contextlib import closing

from shared.records.sqlite.database import Connection, Database
from shared.records.sqlite.schema import ENDED_AT, SWEPT

_STEP = 100  # rows; some 5 ms
OLDEST = f"SELECT rowid FROM records INDEXED BY by_end WHERE {SWEPT} AND {ENDED_AT} < ? ORDER BY {ENDED_AT} LIMIT ?"  # noqa: S608  (constants alone are joined; values are bound)
_DELETE = f"DELETE FROM records WHERE rowid IN ({OLDEST})"  # noqa: S608  (as above)


def sweep(database: Database, before_ms: int, limit: int) -> int:
    """Delete at most `limit` rows that ended before `before_ms`, oldest first, and say how many. Raises `RecordsDown`."""
    swept = 0
    with database.guard(), closing(database.open()) as connection:
        while swept < limit:
            began = time.monotonic()
            step = _delete(database, connection, before_ms, min(_STEP, limit - swept))
            swept += step
            if step < _STEP:
                break
            time.sleep(time.monotonic() - began)
    return swept


def _delete(database: Database, connection: Connection, before_ms: int, limit: int) -> int:
    with database.transaction(connection):
        return connection.execute(_DELETE, (before_ms, limit)).rowcount
