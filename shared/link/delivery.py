"""A message in our hands, until it is settled."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from shared.message import Message


class Origin(Protocol):
    """The channel session that a delivery came over. A delivery can be settled only while it is open."""

    @property
    def is_open(self) -> bool: ...

    def ack(self, tag: int) -> None: ...

    def nack(self, tag: int) -> None: ...

    def flush(self) -> None: ...


class Delivery(NamedTuple):
    """`queue` is the name of the subscription; `deliveries` counts from 1 what the broker counts as hand-outs."""

    queue: str
    exchange: str
    message: Message
    redelivered: bool
    deliveries: int
    tag: int
    origin: Origin
