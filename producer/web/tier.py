"""What the routes of one replica share, and the order in which it begins and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from producer.aio import Client
from producer.web.events import Events
from producer.web.fleet import Fleet
from producer.web.intake import Intake
from producer.web.keeper import Keeper
from producer.web.kinds import kinds_of
from producer.web.sweeper import sweep_forever
from producer.web.waiting import Waiting
from shared.catalogue import Catalogue
from shared.control.depths import Depths
from shared.errors import BrokerDown, NoRecords
from shared.link import Delivery, Subscription
from shared.records import Records
from shared.settings import Settings
from shared.topology import Names

GOODBYE = 5.0  # seconds for the keeper to finish what it has in hand


@dataclass(frozen=True)
class Tier:
    """`kept` is None where the deployment keeps no records."""

    settings: Settings
    catalogue: Catalogue
    intake: Intake
    client: Client
    kept: Records | None
    keeper: Keeper | None
    events: Events
    fleet: Fleet
    waiting: Waiting
    depths: Depths
    kinds: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, settings: Settings, catalogue: Catalogue, records: Records | None) -> Tier:
        """The parts, not yet running. Raises `NotConfigured` where there are no job types."""
        names, fleet = Names(settings.prefix), Fleet()

        def ack(delivery: Delivery) -> None:
            client.ack(delivery)

        keeper = Keeper(records, names, ack) if records is not None else None
        events = Events(fleet, records, names, ack)
        also: list[Subscription] = [events.subscription]
        if keeper is not None:
            also.append(keeper.subscription)
        client = Client(settings, records=records, role="web", also=also)
        return cls(
            settings=settings,
            catalogue=catalogue,
            intake=Intake(catalogue),
            client=client,
            kept=records,
            keeper=keeper,
            events=events,
            fleet=fleet,
            waiting=Waiting(client, records),
            depths=Depths(settings, "web"),
            kinds=kinds_of(catalogue),
        )

    @property
    def replica(self) -> str:
        """The name of this replica."""
        return self.settings.own_name

    @property
    def records(self) -> Records:
        """The records. Raises `NoRecords` where none are kept."""
        if self.kept is None:
            raise NoRecords("this deployment keeps no records (FAIRWAY_RECORDS_URL=off)")
        return self.kept

    def check_open(self) -> None:
        """Raises `BrokerDown` at once where the broker would not take a job now, rather than wait for its deadline."""
        status = self.client.link_status
        if not status.healthy:
            raise BrokerDown(f"{status.state.value}: {status.detail or 'no connection yet'}")

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Begin; after the block let the waiters go, finish the keeper's batch, and let go of the broker."""
        self.events.start()
        if self.keeper is not None:
            self.keeper.start()
        sweeping = asyncio.create_task(sweep_forever(self.kept, self.settings.records_for)) if self.kept is not None else None
        try:
            async with self.client:
                yield
                self.waiting.finish()
                if self.keeper is not None:
                    await self.keeper.stop(GOODBYE)
        finally:
            if sweeping is not None:
                sweeping.cancel()
            await self.depths.close()


async def _tier_of(request: Request) -> Tier:
    tier: Tier = request.app.state.tier
    return tier


Here = Annotated[Tier, Depends(_tier_of)]
