"""Whether anything was committed: `PRAGMA data_version`, on a connection that does nothing else.

It is another number after each commit of another connection, of this process or any other (https://sqlite.org/pragma.html#pragma_data_version),
and reads no table.
"""

from __future__ import annotations

import sqlite3
import threading

from shared.records.sqlite.database import Connection, Database, patiently


class Watch:
    """Safe to ask from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._seen, self._count = -1, 0

    def changed(self) -> int:
        """A number that has grown when anything was committed since, or may have been. Raises `RecordsDown`."""
        with self._turn, self._database.guard():
            try:
                version = self._version()
            except (sqlite3.Error, OSError):
                self._let_go()
                raise
            if version != self._seen:
                self._seen = version
                self._count += 1
            return self._count

    def close(self) -> None:
        with self._turn:
            self._let_go()

    def _version(self) -> int:
        self._database.refuse_after_fork()
        if self._connection is not None and not self._database.holds(self._connection):
            self._let_go()
        if self._connection is None:
            self._connection = self._database.open()
        connection = self._connection
        return int(patiently(lambda: connection.execute("PRAGMA data_version").fetchone(), self._database.patience)[0])

    def _let_go(self) -> None:
        self._seen = -1  # a new connection counts from anew, and may have missed a commit
        if self._connection is not None:
            self._connection.close()
            self._connection = None
