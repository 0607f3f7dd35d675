"""Which held delivery starts next, and how many may be held. A policy is a class with these methods."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from worker.held import Held


class Dispatch(Protocol):
    """The choice for one kind of executor."""

    def prefetch(self, slots: int, queues: int) -> int:
        """How many deliveries the broker may have out to each of `queues` consumers that share `slots`."""
        ...

    def add(self, held: Held) -> None: ...

    def next(self) -> Held | None:
        """The one to start now; None where nothing waits."""
        ...

    def __len__(self) -> int: ...


class Fair:
    """Hold no more than can run now; what we don't take, an idle worker can (least connections)."""

    def __init__(self) -> None:
        self._waiting: deque[Held] = deque()

    def prefetch(self, slots: int, queues: int) -> int:
        return max(1, slots // queues)

    def add(self, held: Held) -> None:
        self._waiting.append(held)

    def next(self) -> Held | None:
        return self._waiting.popleft() if self._waiting else None

    def __len__(self) -> int:
        return len(self._waiting)


POLICIES: Mapping[str, Callable[[], Dispatch]] = {"fair": Fair}
