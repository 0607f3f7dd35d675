"""The port over one SQLite file: a writer thread, readers, a watch; each opens the file when it is first used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shared.envelope import State
from shared.record import Record
from shared.records.cursor import Place, check_limit, from_cursor, to_cursor
from shared.records.port import Change, Done, Page, Query
from shared.records.sqlite.database import PATIENCE, Database
from shared.records.sqlite.find import counts, many, one, page
from shared.records.sqlite.readers import Readers
from shared.records.sqlite.rows import record
from shared.records.sqlite.sweep import sweep
from shared.records.sqlite.watch import Watch
from shared.records.sqlite.writer import Write, Writer


class SqliteRecords:
    """The `Records` in the file at `path`, whose folder must be there.

    `patience`: how long to wait for a lock that another process holds, in seconds.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._database = Database(path, patience)
        self._writer = Writer(self._database)
        self._readers = Readers(self._database)
        self._watch = Watch(self._database)

    def write(self, changes: Sequence[Change], done: Done) -> None:
        self._writer.put(Write(tuple(changes), done))

    def get(self, id: str) -> Record | None:
        rows = self._readers.ask(one(id))
        return record(rows[0]) if rows else None

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        found = map(record, self._readers.ask(many(ids)))
        return {each.id: each for each in found}

    def find(self, query: Query, cursor: str | None, limit: int) -> Page:
        check_limit(limit)
        after = None if cursor is None else from_cursor(cursor)
        items = tuple(map(record, self._readers.ask(page(query, after, limit + 1))))
        if len(items) <= limit:
            return Page(items, None)
        last = items[limit - 1]
        return Page(items[:limit], to_cursor(Place(last.created, last.id)))

    def counts(self) -> dict[str, dict[State, int]]:
        found: dict[str, dict[State, int]] = {}
        for queue, state, number in self._readers.ask(counts()):
            found.setdefault(queue, {})[State(state)] = number
        return found

    def changed(self) -> int:
        return self._watch.changed()

    def sweep(self, before_ms: int, limit: int) -> int:
        return sweep(self._database, before_ms, limit)

    def close(self) -> None:
        self._writer.close()
        self._database.close()
        self._readers.close()
        self._watch.close()
