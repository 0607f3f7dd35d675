"""The ack rule: which acks to send for one channel in one turn of the loop. Pure.

One `multiple` ack on the highest still outstanding tag below which all is settled or ackable now,
and every other finished tag singly in the same turn. So no finished ack outlives a turn (or one long
job would shut the window), and no tag is acked twice (the broker closes the channel for that:
https://www.rabbitmq.com/docs/confirms#consumer-acks-double-acking).
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Acks(NamedTuple):
    """`up_to`: the tag of the `multiple` ack, 0 where there is none; `singles`: tags to ack one by one."""

    up_to: int
    singles: tuple[int, ...]


def coalesce(outstanding: Iterable[int], finished: AbstractSet[int]) -> Acks:
    """`outstanding`: tags not settled yet, rising; `finished`: those of them to ack in this turn."""
    up_to, covered = 0, 0
    for tag in outstanding:
        if tag not in finished:
            break
        up_to, covered = tag, covered + 1
    if covered == len(finished):
        singles: tuple[int, ...] = ()
    else:
        singles = tuple(sorted(tag for tag in finished if tag > up_to))
    return Acks(up_to, singles)
