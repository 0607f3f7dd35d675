"""Records in memory: a store for the tests of others, and the measure of the real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from shared.envelope import State
from shared.errors import RecordsDown, Unstorable
from shared.record import Record
from shared.records import Change, Done, Ended, Page, Query
from shared.records.cursor import Place, check_limit, from_cursor, to_cursor
from tests.support.known_job import Known, job_of


class MemoryRecords:
    """`Records` for one process. While `down` is set, everything fails as if the store were away."""

    def __init__(self) -> None:
        self.down = False
        self._closed = False
        self._known: dict[str, Known] = {}
        self._commits = 0
        self._turn = threading.Lock()

    def write(self, changes: Sequence[Change], done: Done) -> None:
        done(self._take(tuple(changes)))

    def get(self, id: str) -> Record | None:
        return self.get_many([id]).get(id)

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        wanted = set(ids)
        return {record.id: record for record in self._records() if record.id in wanted}

    def find(self, query: Query, cursor: str | None, limit: int) -> Page:
        check_limit(limit)
        after = None if cursor is None else from_cursor(cursor)
        fitting = [record for record in self._records() if _fits(record, query) and (after is None or _place(record) < after)]
        fitting.sort(key=_place, reverse=True)
        items = tuple(fitting[:limit])
        return Page(items, to_cursor(_place(items[-1])) if len(fitting) > limit else None)

    def counts(self) -> dict[str, dict[State, int]]:
        counts: dict[str, dict[State, int]] = {}
        for record in self._records():
            states = counts.setdefault(record.queue, {})
            states[record.state] = states.get(record.state, 0) + 1
        return counts

    def changed(self) -> int:
        self._must_be_up()
        return self._commits

    def sweep(self, before_ms: int, limit: int) -> int:
        self._must_be_up()
        with self._turn:
            over = sorted((at, known.id) for known in self._known.values() if (at := known.over) is not None and at < before_ms)
            for _, ended in over[:limit]:
                del self._known[ended]
            self._commits += 1
        return len(over[:limit])

    def close(self) -> None:
        self._closed = True

    def _take(self, changes: tuple[Change, ...]) -> RecordsDown | None:
        if self.down or self._closed:
            return RecordsDown("the records in memory are down")
        for change in changes:
            if isinstance(change, Ended) and not change.reply.state.terminal:
                return Unstorable(f"state: {change.reply.state.value} is no end of a job")
        with self._turn:
            for change in changes:
                job = job_of(change)
                self._known[job] = self._known.get(job, Known(job)).with_change(change)
            self._commits += 1
        return None

    def _records(self) -> list[Record]:
        self._must_be_up()
        with self._turn:
            return [record for known in self._known.values() if (record := known.record) is not None]

    def _must_be_up(self) -> None:
        if self.down or self._closed:
            raise RecordsDown("the records in memory are down")


def _place(record: Record) -> Place:
    return Place(record.created, record.id)


def _fits(record: Record, query: Query) -> bool:
    return (
        query.state in {None, record.state}
        and query.type in {None, record.type}
        and query.queue in {None, record.queue}
        and (query.tag is None or query.tag in record.tags)
    )
