"""A job in this worker's hands, from its delivery to its settlement."""

from __future__ import annotations

import asyncio

from shared.envelope import Envelope
from shared.link import Delivery

Key = tuple[str, int]  # id and attempt


class Held:
    """`delivery` is the one to settle by: a redelivery of the same attempt takes its place (adoption)."""

    __slots__ = ("adopted", "announced", "delivery", "envelope", "key", "started", "task")

    def __init__(self, envelope: Envelope, delivery: Delivery) -> None:
        self.envelope, self.delivery = envelope, delivery
        self.key: Key = (envelope.id, envelope.attempt)
        self.started = 0  # milliseconds since 1970; 0 until it runs
        self.adopted = False  # whether its delivery has come back over a new session
        self.announced = False  # whether the started event was sent
        self.task: asyncio.Task[None] | None = None

    @property
    def orphaned(self) -> bool:
        """Whether its delivery can no longer be settled: the broker will give it out again."""
        return not self.delivery.origin.is_open
