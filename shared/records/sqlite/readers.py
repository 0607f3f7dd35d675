"""Connections for reading: lent to one caller at a time, so that any thread may read, and kept for the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from shared.records.sqlite.database import Connection, Database, patiently
from shared.records.sqlite.find import Question


class Readers:
    """As many connections as there were reads at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[Connection] = deque()  # its pop and append are atomic

    def ask(self, question: Question) -> list[Sequence[Any]]:
        """The rows of the answer. Raises `RecordsDown`."""
        with self._database.guard():
            connection = self._take()
            try:
                answer = patiently(lambda: connection.execute(question.sql, question.values).fetchall(), self._database.patience)
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        self._database.refuse_after_fork()
        while self._idle:
            connection = self._idle.pop()
            if self._database.holds(connection):
                return connection
            connection.close()
        connection = self._database.open()
        connection.execute("PRAGMA query_only = ON")
        return connection
