"""What a broker lacks of the topology, and what it has otherwise than wanted. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from shared.control.connect import capabilities_of, connected
from shared.control.difference import Finding, difference, things
from shared.control.management import Management
from shared.control.seen import seen_over_amqp, seen_over_management
from shared.link.capabilities import Capabilities
from shared.settings import Settings
from shared.topology import Names, Topology, topology


@dataclass(frozen=True, slots=True)
class Plan:
    """`complete` says whether differences, bindings and policies could be seen too (FAIRWAY_MANAGEMENT_URL is set)."""

    findings: tuple[Finding, ...]
    complete: bool


async def plan(settings: Settings, queues: Iterable[str]) -> Plan:
    """Compare the broker with what must exist for `queues`.

    Raises `BrokerDown` where the broker or its management API can't be reached, and
    `NotConfigured` where a login may not read what is needed.
    """
    async with connected(settings, "topology") as connection:
        wanted = wanted_of(settings, queues, capabilities_of(connection))
        if settings.management_url is None:
            found = await seen_over_amqp(connection, things(wanted))
        else:
            api = Management(settings.management_url.get_secret_value())
            found = await asyncio.to_thread(seen_over_management, api, vhost_of(settings.amqp_urls[0]), things(wanted))
    return Plan(tuple(difference(wanted, found)), complete=settings.management_url is not None)


def wanted_of(settings: Settings, queues: Iterable[str], capabilities: Capabilities) -> Topology:
    """The topology of this deployment on a broker that can do this."""
    return topology(Names(settings.prefix), queues, records=settings.keeps_records, unlimited=capabilities.unlimited_delivery)


def vhost_of(url: str) -> str:
    """The virtual host that an AMQP URL names; `/` where it names none."""
    return unquote(urlsplit(url).path[1:]) or "/"
