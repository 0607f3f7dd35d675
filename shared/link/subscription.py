"""What a Link consumes, as data.

`SharedQueue` stands already (the topology made it) and is declared passively. `OwnQueue` is made by
the client itself, one for each session: a new connection can't take the old queue over while the
broker still holds the dead one, so session n makes queue n, bound with the same key, and also drains
queue n-1 (late binding; see docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.link.delivery import Delivery

# Called in the Link's thread with all that arrived in one turn of its loop; must not block.
Receive = Callable[[Sequence[Delivery]], None]


@dataclass(frozen=True)
class SharedQueue:
    """`prefetch`: most unsettled deliveries at once, from 1."""

    name: str
    prefetch: int
    receive: Receive


@dataclass(frozen=True)
class OwnQueue:
    """Queue `<name>.<session>`, bound to `exchange` with `key`. `exclusive` ones end with their connection."""

    name: str
    exchange: str
    key: str
    prefetch: int
    receive: Receive
    exclusive: bool = False
    arguments: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def of(self, session: int) -> str:
        return f"{self.name}.{session}"


Subscription = SharedQueue | OwnQueue
