"""What this worker holds, and what it has finished lately: so that a redelivery after a reconnect isn't run again.

While the connection was gone, jobs went on here. The broker gives their messages out again; where one
comes back to us, its (id, attempt) tells: still running here → adopted, settled by that run; finished
here in the last 10 minutes → its ack was lost, so it is acked. Only a delivery whose session is over can
come back: a second message of the same job is a delivery of its own. Pure but for the clock it is given.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import Enum

from shared.link import Delivery
from shared.link.delivery import Origin
from worker.held import Held, Key

REMEMBERED = 600.0  # seconds


class Verdict(Enum):
    """What a delivery is to this worker, where it is none of a job that runs here."""

    NEW = "new"
    FINISHED = "finished"


class Book:
    """`most`: how many deliveries the broker may think are out to us at once.

    Between the ack of a job and the loss of its session the broker hands out at most `most` others,
    so the last `2 * most` that finished in a session are all whose ack can have been lost with it.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._held: dict[Key, Held] = {}
        self._doubles: list[Held] = []  # further messages of a job that is held already
        self._recent: dict[Origin, deque[Key]] = {}
        self._remembered: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._held) + len(self._doubles)

    def all(self) -> tuple[Held, ...]:
        """Whatever is held. Any thread may ask."""
        return (*self._held.values(), *self._doubles)

    def enter(self, held: Held) -> None:
        if self._held.setdefault(held.key, held) is not held:
            self._doubles.append(held)

    def finish(self, held: Held) -> None:
        """Settled by `held`, as far as we can know."""
        self._leave(held)
        origin = held.delivery.origin
        if origin.is_open:
            self._recent_in(origin).append(held.key)
        else:
            self._remembered[held.key] = self._clock() + REMEMBERED

    def hand_back(self, held: Held) -> None:
        """Left unfinished: whoever gets it next is to run it, we too."""
        self._leave(held)
        self._remembered.pop(held.key, None)
        for recent in self._recent.values():
            if held.key in recent:
                recent.remove(held.key)

    def verdict(self, key: Key, delivery: Delivery) -> Verdict | Held:
        """The held job that `delivery` has come back for, or what else it is.

        A first delivery is always new: the same id may have been submitted or redriven on purpose.
        """
        if not delivery.redelivered:
            self._remembered.pop(key, None)
            return Verdict.NEW
        self._remember_lost()
        orphan = self._orphan(key)
        if orphan is not None:
            return orphan
        if self._remembered.pop(key, 0.0) > self._clock():
            self._recent_in(delivery.origin).append(key)  # this ack too may be lost
            return Verdict.FINISHED
        return Verdict.NEW

    def _orphan(self, key: Key) -> Held | None:
        for held in (self._held.get(key), *self._doubles):
            if held is not None and held.key == key and held.orphaned:
                return held
        return None

    def _recent_in(self, origin: Origin) -> deque[Key]:
        recent = self._recent.get(origin)
        if recent is None:
            self._remember_lost()
            recent = self._recent[origin] = deque(maxlen=2 * self._most)
        return recent

    def _remember_lost(self) -> None:
        """The acks sent last in a session that is over may not have arrived: remember what they were for."""
        now = self._clock()
        for origin in [origin for origin in self._recent if not origin.is_open]:
            self._remembered = {key: until for key, until in self._remembered.items() if until > now}
            self._remembered.update(dict.fromkeys(self._recent.pop(origin), now + REMEMBERED))

    def _leave(self, held: Held) -> None:
        if self._held.get(held.key) is held:
            del self._held[held.key]
        elif held in self._doubles:
            self._doubles.remove(held)
