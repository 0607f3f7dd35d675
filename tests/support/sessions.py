"""Which sessions have a living process: what is started with `start_new_session` has ended when its pid is not among them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def sessions() -> set[int]:
    """The sessions in which a process runs, zombies aside (proc(5), fields 3 and 6 of stat)."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            fields = path.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                found.add(int(fields[3]))
    return found
