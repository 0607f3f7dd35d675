"""What a worker has done since it started: plain counters, written on its loop and read by any thread."""

from __future__ import annotations


class Tally:
    """Attempts that ended well, and those that didn't."""

    def __init__(self) -> None:
        self.done = 0
        self.failed = 0
