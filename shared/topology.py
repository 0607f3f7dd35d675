"""Every queue and exchange of a deployment, as data. Nothing here talks to a broker.

    fairway.jobs ──> fairway.q.<queue> ──(limit reached, rejected)──> fairway.dead ──#──> fairway.dead-sorter
    fairway.replies ──r.<client>──> fairway.reply.<client>.<n>            │                 │           │
         └──────────#──────────> fairway.records <───────────#────────────┘     fairway.dead.<queue>    │ (no such queue)
    fairway.events ──> whoever watches                                                            fairway.lost

The sorter is an exchange of its own because an alternate exchange gets only what no binding takes, and the
records take everything: a dead letter whose queue is gone would rest nowhere but in them.

Arguments carry what keeps jobs safe, so that no operator's policy can take it away: queue type,
dead-letter exchange and strategy, overflow, delivery limit. At-least-once dead-lettering needs the
overflow `reject-publish` (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Argument = str | int

DELIVERY_LIMIT = 20  # times; absent would mean none before RabbitMQ 4.0
LONGEST_DELAY_KEY = 22  # words before the queue in the key that a delayed job keeps


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange. `arguments` as in `exchange.declare`."""

    name: str
    kind: Literal["topic", "fanout"]
    arguments: Mapping[str, Argument] = field(default_factory=dict[str, Argument])


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue. `arguments` as in `queue.declare`."""

    name: str
    arguments: Mapping[str, Argument] = field(default_factory=dict[str, Argument])


@dataclass(frozen=True, slots=True)
class Binding:
    """What `exchange` gives to `queue`: the messages whose routing key matches `key`."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Relay:
    """What `source` gives to another exchange: the messages whose routing key matches `key`."""

    source: str
    exchange: str
    key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """What must exist, in the order in which it can be declared."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    relays: tuple[Relay, ...]
    bindings: tuple[Binding, ...]

    @property
    def named(self) -> tuple[Exchange | Queue, ...]:
        """What has a name of its own, in that order."""
        return (*self.exchanges, *self.queues)

    @property
    def lines(self) -> tuple[Relay | Binding, ...]:
        """What ties them together."""
        return (*self.relays, *self.bindings)


@dataclass(frozen=True, slots=True)
class Names:
    """The names under one prefix; two deployments share a broker by two prefixes."""

    prefix: str = "fairway"

    @property
    def jobs(self) -> str:
        return f"{self.prefix}.jobs"

    @property
    def dead(self) -> str:
        return f"{self.prefix}.dead"

    @property
    def dead_sorter(self) -> str:
        return f"{self.prefix}.dead-sorter"

    @property
    def lost(self) -> str:
        return f"{self.prefix}.lost"

    @property
    def replies(self) -> str:
        return f"{self.prefix}.replies"

    @property
    def records(self) -> str:
        return f"{self.prefix}.records"

    @property
    def events(self) -> str:
        return f"{self.prefix}.events"

    def work(self, queue: str) -> str:
        return f"{self.prefix}.q.{queue}"

    def dead_of(self, queue: str) -> str:
        return f"{self.prefix}.dead.{queue}"

    def reply(self, client: str) -> str:
        """Before the number of the client's session."""
        return f"{self.prefix}.reply.{client}"


def topology(names: Names, queues: Iterable[str], *, records: bool, unlimited: bool) -> Topology:
    """What must exist for `queues`.

    `records`: whether results are kept. `unlimited`: whether the broker knows the delivery limit -1
    (RabbitMQ 4.0 and later; an older one would drop the message at its first return).
    """
    queues = tuple(dict.fromkeys(queues))
    kept = _kept(names, unlimited=unlimited)
    dead_queues = tuple(Queue(names.dead_of(queue), kept) for queue in queues)
    return Topology(
        exchanges=(
            Exchange(names.jobs, "topic"),
            Exchange(names.replies, "topic"),
            Exchange(names.events, "topic"),
            Exchange(names.lost, "fanout"),
            Exchange(names.dead, "topic", {"alternate-exchange": names.lost}),
            Exchange(names.dead_sorter, "topic", {"alternate-exchange": names.lost}),
        ),
        queues=(
            Queue(names.lost, _terminal(unlimited=unlimited)),
            *((Queue(names.records, kept),) if records else ()),
            *dead_queues,
            *(Queue(names.work(queue), _work(names, queue)) for queue in queues),
        ),
        relays=(Relay(names.dead, names.dead_sorter, "#"),),
        bindings=(
            Binding(names.lost, names.lost, ""),
            *((Binding(names.replies, names.records, "#"), Binding(names.dead, names.records, "#")) if records else ()),
            *(binding for queue in queues for binding in _dead_bindings(names, queue)),
            *(Binding(names.jobs, names.work(queue), queue) for queue in queues),
        ),
    )


def _work(names: Names, queue: str) -> dict[str, Argument]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": names.dead,
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def _terminal(*, unlimited: bool) -> dict[str, Argument]:
    """A queue that only people and the record keeper empty: no limit, no TTL, no length."""
    return {"x-queue-type": "quorum", **({"x-delivery-limit": -1} if unlimited else {})}


def _kept(names: Names, *, unlimited: bool) -> dict[str, Argument]:
    return {
        **_terminal(unlimited=unlimited),
        "x-dead-letter-exchange": names.lost,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _dead_bindings(names: Names, queue: str) -> Iterable[Binding]:
    before = "*." * LONGEST_DELAY_KEY
    for key in (queue, f"{queue}.*", f"{before}{queue}", f"{before}{queue}.*"):
        yield Binding(names.dead_sorter, names.dead_of(queue), key)
