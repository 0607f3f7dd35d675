"""What is known of each job, kept beyond its message: the port (`Records`), and how a store is opened from its address."""

from __future__ import annotations

from pathlib import Path

from shared.errors import NotConfigured, Unstorable
from shared.records.port import Accepted, Change, Done, Ended, Page, Query, Records, Started
from shared.records.sqlite import SqliteRecords

__all__ = ["Accepted", "Change", "Done", "Ended", "Page", "Query", "Records", "Started", "Unstorable", "open_records"]

_SQLITE = "sqlite:///"


def open_records(url: str) -> Records | None:
    """The store at `url`: `sqlite:///relative/path`, `sqlite:////absolute/path`, or `off`, which is None.

    Makes the folder. The file itself is opened at its first use, so that a process may fork before.
    Raises `NotConfigured` where the address is none, or its folder can't be made.
    """
    if url == "off":
        return None
    name = url.removeprefix(_SQLITE)
    if name == url or not name or name.endswith("/"):
        raise NotConfigured(f"FAIRWAY_RECORDS_URL: {url!r} is neither `off` nor the address of a file, such as sqlite:///records.sqlite3")
    path = Path(name).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotConfigured(f"FAIRWAY_RECORDS_URL: the folder {path.parent} can't be made: {error.strerror}") from error
    return SqliteRecords(path)
