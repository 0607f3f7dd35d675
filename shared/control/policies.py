"""Which policies lie over a queue or an exchange. Pure.

Worked out from the policies themselves: what the management API says of a queue lags by seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared.control.difference import Kind

APPLIES: Mapping[Kind, frozenset[str]] = {
    "exchange": frozenset({"all", "exchanges"}),
    "queue": frozenset({"all", "queues", "quorum_queues"}),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of a virtual host, as `GET /api/policies/<vhost>` tells it."""

    pattern: str
    apply_to: str
    priority: int
    definition: Mapping[str, Any]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        return cls(answer["pattern"], answer["apply-to"], answer["priority"], answer["definition"])

    def lies_over(self, kind: Kind, name: str) -> bool:
        return self.apply_to in APPLIES[kind] and self._matches(name)

    def _matches(self, name: str) -> bool:
        try:
            return re.search(self.pattern, name) is not None
        except re.error:
            return True  # Erlang knows patterns that Python doesn't: better shown without need than hidden


def effective(kind: Kind, name: str, user: Iterable[Policy], operator: Iterable[Policy]) -> dict[str, Any]:
    """What policies give to `name`: one user policy, that of the highest priority, and one operator policy over it."""
    return {**_highest(kind, name, user), **_highest(kind, name, operator)}


def _highest(kind: Kind, name: str, policies: Iterable[Policy]) -> Mapping[str, Any]:
    lying = [policy for policy in policies if policy.lies_over(kind, name)]
    return max(lying, key=lambda policy: policy.priority).definition if lying else {}
