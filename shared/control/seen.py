"""What a broker has, read in either of two ways.

Over AMQP, with the credentials that every part of Fairway has, only whether a name is there; over
the management API, with an operator's credentials, everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.control.connect import DEADLINE, channel_of
from shared.control.difference import Found, Kind, Line, Seen, Thing
from shared.control.management import Management
from shared.control.policies import Policy, effective
from shared.topology import Binding, Relay


async def seen_over_amqp(connection: AbstractConnection, things: Iterable[Thing]) -> Found:
    """Passive declares, each on a channel of its own: one that finds nothing closes its channel."""
    return Found({thing: Seen() for thing in things if await _is_there(connection, thing)})


async def _is_there(connection: AbstractConnection, thing: Thing) -> bool:
    async with channel_of(connection) as channel:
        try:
            await _declare_passively(channel, thing)
        except ChannelNotFoundEntity:
            return False
    return True


async def _declare_passively(channel: AbstractChannel, thing: Thing) -> None:
    kind, name = thing
    match kind:
        case "exchange":
            await channel.declare_exchange(name, passive=True, timeout=DEADLINE)
        case "queue":
            await channel.declare_queue(name, passive=True, timeout=DEADLINE)
        case _:
            assert_never(kind)


def seen_over_management(api: Management, vhost: str, things: Iterable[Thing]) -> Found:
    """Traits, bindings and policies of `things`. Blocks; raises as `Management.get`."""
    user = [Policy.of(answer) for answer in api.get("policies", vhost) or ()]
    operator = [Policy.of(answer) for answer in api.get("operator-policies", vhost) or ()]
    found: dict[Thing, Seen] = {}
    lines: set[Line] = set()
    for kind, name in things:
        answer = api.get(f"{kind}s", vhost, name)
        if answer is not None:
            found[kind, name] = Seen(_traits(kind, answer), effective(kind, name, user, operator))
            lines |= _lines_from(api, vhost, kind, name)
    return Found(found, frozenset(lines))


def _traits(kind: Kind, answer: dict[str, Any]) -> dict[str, Any]:
    names = ("durable", "auto_delete", "type", "internal") if kind == "exchange" else ("durable", "auto_delete", "exclusive")
    return {**{name: answer[name] for name in names}, **answer["arguments"]}


def _lines_from(api: Management, vhost: str, kind: Kind, name: str) -> set[Line]:
    answers = (api.get("exchanges", vhost, name, "bindings", "source") or ()) if kind == "exchange" else ()
    return {_line(answer) for answer in answers}


def _line(answer: Mapping[str, Any]) -> Line:
    make = Relay if answer["destination_type"] == "exchange" else Binding
    return make(answer["source"], answer["destination"], answer["routing_key"])
