"""Records in tests: jobs to write, waiting for what `done` is told, and what is found."""

from __future__ import annotations

import threading
import time

from shared.envelope import Envelope, Reply, State
from shared.errors import RecordsDown
from shared.records import Change, Query, Records

DEADLINE = 20.0  # seconds

EVERYTHING = Query()


class Told:
    """A `done` that can be waited for."""

    def __init__(self) -> None:
        self.answers: list[RecordsDown | None] = []
        self._came = threading.Event()

    def __call__(self, error: RecordsDown | None) -> None:
        self.answers.append(error)
        self._came.set()

    def wait(self) -> RecordsDown | None:
        assert self._came.wait(DEADLINE), "nothing was told of a write"
        return self.answers[0]


def outcome(records: Records, *changes: Change) -> RecordsDown | None:
    """Write the changes together and wait for what becomes of them."""
    told = Told()
    records.write(changes, told)
    return told.wait()


def store(records: Records, *changes: Change) -> None:
    """Write the changes together; they must succeed."""
    assert outcome(records, *changes) is None


def job(id: str, *, type: str = "text.count", queue: str = "default", created: int = 1_000, tags: tuple[str, ...] = ()) -> Envelope:
    return Envelope(id, type, queue, b'{"text":"a word"}', created, tags=tags)


def done(id: str, *, worker: str = "host:1", created: int = 1_000, finished: int = 2_000) -> Reply:
    return Reply(id, "text.count", "default", State.DONE, created, b'{"words":2}', worker=worker, started=created + 5, finished=finished)


def found(records: Records, query: Query = EVERYTHING) -> list[str]:
    """The ids of the newest 1,000 records that fit."""
    return [record.id for record in records.find(query, None, 1_000).items]


def watched(records: Records, before: int) -> int:
    """`changed()` as soon as it isn't `before`; `before` where the deadline passes."""
    deadline = time.monotonic() + DEADLINE
    while (now := records.changed()) == before and time.monotonic() < deadline:
        pass
    return now
