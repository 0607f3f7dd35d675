"""Where a Link stands, as one value that any thread may read."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class LinkState(Enum):
    """See the diagram at the top of `shared.link`."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPENING = "opening"
    HEALTHY = "healthy"
    BLOCKED = "blocked"
    STOPPED = "stopped"


class LinkStatus(NamedTuple):
    """`detail`: what is in the way, in words, where the state isn't healthy."""

    state: LinkState
    detail: str = ""

    @property
    def healthy(self) -> bool:
        return self.state is LinkState.HEALTHY


_WORST_FIRST = (
    LinkState.STOPPED,
    LinkState.IDLE,
    LinkState.CONNECTING,
    LinkState.OPENING,
    LinkState.BLOCKED,
    LinkState.HEALTHY,
)


def worst(statuses: list[LinkStatus]) -> LinkStatus:
    """A Link is as well as the worse of its connections."""
    return min(statuses, key=lambda status: _WORST_FIRST.index(status.state))
