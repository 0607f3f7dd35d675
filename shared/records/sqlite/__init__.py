"""Records in one SQLite file, shared by all processes of a host."""

from __future__ import annotations

from shared.records.sqlite.store import SqliteRecords

__all__ = ["SqliteRecords"]
