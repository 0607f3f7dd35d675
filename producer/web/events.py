"""What the workers tell everybody: presence goes to the fleet's view, a job's start into the records."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import assert_never

from pydantic import ValidationError

from producer.web.fleet import EVENT, Event, Fleet, Presence, Start
from shared.link import Delivery, Mailbox, OwnQueue
from shared.log import Logger
from shared.records import Records, Started
from shared.topology import Names

log = Logger()

PREFETCH = 1000


class Events:
    """`ack` settles a delivery; `records` is None where none are kept."""

    def __init__(self, fleet: Fleet, records: Records | None, names: Names, ack: Callable[[Delivery], None]) -> None:
        self._fleet, self._records, self._names, self._ack = fleet, records, names, ack
        self._queue = f"{names.events}.{secrets.token_hex(8)}"

    @property
    def subscription(self) -> OwnQueue:
        """What the Link is to bring: all events, on a queue that ends with this replica's connection."""
        return OwnQueue(self._queue, self._names.events, "#", PREFETCH, self._receive, exclusive=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived: Mailbox[Delivery] = Mailbox(self._loop, self._take)

    def _receive(self, deliveries: Sequence[Delivery]) -> None:
        """In the Link's thread."""
        self._arrived.put_all(deliveries)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        starts: list[Started] = []
        for delivery in deliveries:
            event = _event(delivery)
            match event:
                case Presence():
                    self._fleet.hear(event, self._loop.time())
                case Start():
                    starts.append(event.change)
                case None:
                    pass
                case _:
                    assert_never(event)
            self._ack(delivery)
        if starts and self._records is not None:
            self._records.write(starts, lambda _: None)  # a live view: what is lost is told by the job's end


def _event(delivery: Delivery) -> Event | None:
    """None for an event that this view has no use for."""
    try:
        return EVENT.validate_json(delivery.message.body)
    except ValidationError as error:
        if error.errors()[0]["type"] != "union_tag_invalid":  # a kind that others care for
            log.warning("message.unreadable", queue=delivery.queue, reason=f"an event: {error.error_count()} of its members do not fit")
        return None
