"""What a worker has done since it started: plain counters, written on its loop and read by any thread."""

from __future__ import annotations

from collections.abc import Iterable


class Tally:
    """Attempts that ended well and those that didn't, and how many ended of each queue."""

    def __init__(self, queues: Iterable[str]) -> None:
        self.done = 0
        self.failed = 0
        self.finished = dict.fromkeys(queues, 0)
