"""The one thread of a process that writes: it takes all that waits into one transaction, so that a sync is paid once a group.

While it commits, the next group gathers. A group that fails because the store is away fails everything that waits: each of
them has then waited as long, and nothing piles up.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from shared.errors import RecordsDown, Unstorable
from shared.log import Logger
from shared.records.port import Change, Done
from shared.records.sqlite.database import Connection, Database
from shared.records.sqlite.rows import apply

LARGEST_GROUP = 500  # changes, from where on a group takes no further write; the lock is held for some 5 ms then

log = Logger()

_OUR_FAULT = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class Write(NamedTuple):
    """Changes that are committed together, and who is told."""

    changes: Sequence[Change]
    done: Done


class Writer:
    """Started by its first write. `put` and `close` may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Write] = deque()
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._connection: Connection | None = None  # the thread's own, like what follows
        self._down = False

    def put(self, write: Write) -> None:
        try:
            self._take(write)
        except RecordsDown as error:  # whoever waits for the answer waits for this one too
            _tell(write, error)

    def close(self) -> None:
        """Commit what waits, then end the thread."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join()

    def _take(self, write: Write) -> None:
        self._database.refuse_after_fork()
        with self._turn:
            if self._closed:
                raise self._database.down("closed")
            self._start()
            self._waiting.append(write)
            self._turn.notify()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fairway-records", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while group := self._next_group():
            self._serve(group)
        self._let_go()

    def _next_group(self) -> list[Write]:
        """What waits, in the order of its coming; empty when there is nothing more to come."""
        group: list[Write] = []
        size = 0
        with self._turn:
            self._turn.wait_for(lambda: self._waiting or self._closed)
            while self._waiting and size < LARGEST_GROUP:
                group.append(self._waiting.popleft())
                size += len(group[-1].changes)
        return group

    def _serve(self, group: list[Write]) -> None:
        error = self._store([change for write in group for change in write.changes])
        if isinstance(error, Unstorable) and len(group) > 1:
            for write in group:  # one by one, so that only what spoils the group fails
                self._serve([write])
            return
        self._say(error)
        if error is not None and not isinstance(error, Unstorable):
            group += self._all_waiting()
        for write in group:
            _tell(write, error)

    def _store(self, changes: list[Change]) -> RecordsDown | None:
        try:
            connection = self._hold()
            with self._database.transaction(connection):
                apply(connection, changes)
        except _OUR_FAULT as error:
            return Unstorable(f"can't be recorded: {error}")
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            return self._database.down(error)
        except RecordsDown as error:
            return error
        except Exception as error:  # noqa: BLE001  (whatever a value may raise on its way into a row: this thread must go on)
            return Unstorable(f"can't be recorded: {error!r}")
        return None

    def _hold(self) -> Connection:
        if self._connection is not None and not self._database.holds(self._connection):
            self._let_go()
        if self._connection is None:
            self._connection = self._database.open()
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _all_waiting(self) -> list[Write]:
        with self._turn:
            waiting = list(self._waiting)
            self._waiting.clear()
        return waiting

    def _say(self, error: RecordsDown | None) -> None:
        if isinstance(error, Unstorable) or self._down == (error is not None):
            return
        self._down = error is not None
        if error is not None:
            log.error("records.down", reason=str(error))
        else:
            log.info("records.up", path=str(self._database.path))


def _tell(write: Write, error: RecordsDown | None) -> None:
    try:
        write.done(error)
    except Exception:
        log.exception("records.done_failed")
