"""What this worker holds, and what it has finished lately: so that a redelivery after a reconnect isn't run again.

While the connection was gone, jobs went on here. The broker gives their messages out again; where one
comes back to us, its (id, attempt) tells: still running here → adopted, settled by that run; finished
here in the last 10 minutes → its ack was lost, so it is acked. Pure but for the clock that is handed in.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from worker.held import Held, Key

REMEMBERED = 600.0  # seconds


class Verdict(Enum):
    """What a redelivery is to this worker."""

    NEW = "new"
    RUNNING = "running"
    FINISHED = "finished"


class Book:
    """`most`: how many deliveries the broker may think are out to us at once.

    Between the ack of a job and the loss of the connection the broker hands out at most `most` others,
    so the last `2 * most` that finished are all whose ack can have been lost with it.
    """

    def __init__(self, most: int) -> None:
        self.held: dict[Key, Held] = {}
        self._recent: deque[Key] = deque(maxlen=2 * most)
        self._remembered: dict[Key, float] = {}

    def enter(self, held: Held) -> None:
        self.held[held.key] = held

    def finish(self, held: Held, now: float) -> None:
        """Settled by `held`; `now` in seconds of any steady clock."""
        self._leave(held)
        if held.orphaned:
            self._remembered[held.key] = now + REMEMBERED
        else:
            self._recent.append(held.key)

    def hand_back(self, held: Held) -> None:
        """Left unfinished: whoever gets it next is to run it."""
        self._leave(held)

    def session_lost(self, now: float) -> None:
        """Acks sent last may not have arrived: remember what they were for."""
        self._remembered = {key: until for key, until in self._remembered.items() if until > now}
        self._remembered.update(dict.fromkeys(self._recent, now + REMEMBERED))
        self._recent.clear()

    def verdict(self, key: Key, *, redelivered: bool, now: float) -> Verdict:
        """A first delivery is always new: the same id may have been submitted or redriven on purpose."""
        if not redelivered:
            self._remembered.pop(key, None)
            return Verdict.NEW
        if key in self.held:
            return Verdict.RUNNING
        return Verdict.FINISHED if self._remembered.get(key, 0.0) > now else Verdict.NEW

    def _leave(self, held: Held) -> None:
        if self.held.get(held.key) is held:  # not another delivery of the same job
            del self.held[held.key]
