"""What is there against what is wanted. Pure: whoever reads a broker hands over what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from shared.topology import Binding, Exchange, Queue, Relay, Topology

Kind = Literal["exchange", "queue"]
Thing = tuple[Kind, str]
Line = Relay | Binding

# What a policy may lay over our queues and exchanges without harm to a job. Arguments win over a policy
# where they are given, so only these are dangerous: they lose messages, or hide that none was routed.
HARMFUL = frozenset({"message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit", "alternate-exchange"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One exchange or queue. `traits` is None where only its being there could be seen (over AMQP)."""

    traits: Mapping[str, Any] | None = None
    policy: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Found:
    """What a broker has of the names that were asked for. `lines` is None where bindings can't be seen."""

    things: Mapping[Thing, Seen]
    lines: frozenset[Line] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """It isn't there. `apply` makes it."""

    kind: Kind | Literal["binding"]
    name: str

    def __str__(self) -> str:
        return f"missing: {self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Different:
    """It is there with another trait, which nobody can change: it has to be deleted and made anew."""

    kind: Kind
    name: str
    trait: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"different: {self.kind} {self.name} has {self.trait}={_words(self.found)}, wanted is {_words(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Overridden:
    """A policy of the broker lays something over it that can lose jobs. An operator has to change the policy."""

    kind: Kind
    name: str
    key: str
    value: Any

    def __str__(self) -> str:
        return f"overridden: a policy gives {self.kind} {self.name} {self.key}={_words(self.value)}, which can lose jobs"


Finding = Missing | Different | Overridden


def difference(wanted: Topology, found: Found) -> list[Finding]:
    """What has to be made, in the order of `wanted`, and what somebody has to change."""
    findings: list[Finding] = []
    for item in wanted.named:
        findings += _of(item, found.things.get(thing(item)))
    if found.lines is not None:
        findings += (Missing("binding", shown(line)) for line in wanted.lines if line not in found.lines)
    return findings


def thing(item: Exchange | Queue) -> Thing:
    """How an exchange or a queue is told from the others."""
    match item:
        case Exchange():
            return ("exchange", item.name)
        case Queue():
            return ("queue", item.name)
        case _:
            assert_never(item)


def shown(line: Line) -> str:
    """A binding in words, a run of `*.` as `(*.){22}`."""
    key = re.sub(r"(\*\.){2,}", lambda words: f"(*.){{{len(words[0]) // 2}}}", line.key) or "(every key)"
    match line:
        case Relay():
            return f"{line.source} --{key}--> exchange {line.exchange}"
        case Binding():
            return f"{line.exchange} --{key}--> {line.queue}"
        case _:
            assert_never(line)


def things(wanted: Topology) -> Iterable[Thing]:
    """Everything of `wanted` that has a name."""
    return [thing(item) for item in wanted.named]


def _of(item: Exchange | Queue, seen: Seen | None) -> Iterator[Finding]:
    kind, name = thing(item)
    if seen is None:
        yield Missing(kind, name)
        return
    if seen.traits is not None:
        wanted = traits(item)
        for trait in sorted(wanted.keys() | seen.traits.keys()):
            if wanted.get(trait) != seen.traits.get(trait):
                yield Different(kind, name, trait, wanted.get(trait), seen.traits.get(trait))
    for key, value in sorted(seen.policy.items()):
        if key in HARMFUL:
            yield Overridden(kind, name, key, value)


def traits(item: Exchange | Queue) -> dict[str, Any]:
    """What can't be changed once it is declared: a kind, durability, and the arguments."""
    fixed: dict[str, Any] = {"durable": True, "auto_delete": False}
    match item:
        case Exchange():
            return {**fixed, "type": item.kind, "internal": False, **item.arguments}
        case Queue():
            return {**fixed, "exclusive": False, **item.arguments}
        case _:
            assert_never(item)


def _words(value: Any) -> str:
    return "(none)" if value is None else str(value)
