"""One SQLite file: how it is opened, held and waited for.

WAL, so that readers and the writer don't block each other, and `synchronous=FULL`: a result is acked to the broker after its
commit, so what was committed must outlive a crash of the machine (with NORMAL the last commits may be lost then:
https://sqlite.org/pragma.html#pragma_synchronous). Writers share the price of the sync by committing in groups.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from shared.errors import RecordsDown
from shared.records.sqlite.schema import SCRIPTS, bring_up_to_date, version

T = TypeVar("T")

PATIENCE = 5.0  # seconds for the lock that another process holds
_PAUSE = 0.0005  # seconds
_LONGEST_WAL = 64 * 1024 * 1024  # bytes that the log keeps after a checkpoint; a burst may have made it longer
_OTHERS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL})


class Connection(sqlite3.Connection):
    """A connection that knows which file it has open: a path may come to name another one, or none."""

    file: tuple[int, int] = (-1, -1)


class Database:
    """The file at `path`. Made lazily, by whoever comes first; the folder must be there.

    Methods raise `sqlite3.Error` and `OSError`, which `guard` turns into the port's `RecordsDown`.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self.path, self.patience = path, patience
        self._opened_by: int | None = None
        self._closed = False

    def open(self) -> Connection:
        """A new connection to a file that has its tables. One thread at a time may use it."""
        self.refuse_after_fork()
        if self._closed:
            raise self.down("closed")
        self._opened_by = os.getpid()
        return patiently(self._open, self.patience)

    def close(self) -> None:
        """Open nothing any more."""
        self._closed = True

    def holds(self, connection: Connection) -> bool:
        """Whether the connection's file is still the one at the path; a deleted one would take writes in silence."""
        try:
            return _identity(self.path) == connection.file
        except FileNotFoundError:
            return False

    def refuse_after_fork(self) -> None:
        """Raises `RecordsDown` in a child of the process that opened the file.

        SQLite's locks don't pass to a child while its memory of them does, which corrupts files
        (https://sqlite.org/howtocorrupt.html, 2.6). So nothing is opened before the first use.
        """
        if self._opened_by not in {None, os.getpid()}:
            raise RecordsDown(f"{self.path} was opened before this process was forked; call open_records again in the child")

    @contextmanager
    def transaction(self, connection: Connection) -> Generator[None]:
        """The write lock, then a commit; all or nothing."""
        patiently(lambda: connection.execute("BEGIN IMMEDIATE"), self.patience)
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk was full
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def guard(self) -> Generator[None]:
        """What SQLite and the file system raise, as `RecordsDown`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self.down(error) from error

    def down(self, error: Exception | str) -> RecordsDown:
        return RecordsDown(f"the records in {self.path} (FAIRWAY_RECORDS_URL): {error}")

    def _open(self) -> Connection:
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False, factory=Connection)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {_LONGEST_WAL}")
            if version(connection) != len(SCRIPTS):
                _use_wal(connection)
                with self.transaction(connection):
                    bring_up_to_date(connection)
            connection.file = _identity(self.path)
        except BaseException:
            connection.close()
            raise
        return connection


def patiently(action: Callable[[], T], seconds: float) -> T:
    """`action` again and again while other processes hold what it needs, for at most so long.

    Instead of SQLite's own busy handler: that one sleeps up to 100 ms (measured with three writers: p99 47 ms, 5 ms here) and
    isn't asked when a file becomes a WAL one (https://sqlite.org/c3ref/busy_handler.html).
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _OTHERS or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _use_wal(connection: sqlite3.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.DatabaseError(f"journal_mode stays {mode}: this file system can't share memory between processes, as WAL must")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
