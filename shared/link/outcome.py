"""How a publish ended: a closed set. Only `Accepted` is success.

(https://www.rabbitmq.com/docs/confirms: an unroutable mandatory message is returned first and
confirmed after; a publish whose confirm didn't come may have been stored or not.)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Routed, stored and confirmed."""


@dataclass(frozen=True, slots=True)
class Unroutable:
    """No queue takes it; the broker returned it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not accepted: the broker said no (nack), or it was never sent. `away` where the broker is the cause."""

    reason: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, and no confirm came: it may be accepted or not."""

    reason: str


PublishOutcome = Accepted | Unroutable | Refused | Unknown
