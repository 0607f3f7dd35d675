"""Further jobs from inside a handler, through the worker's own Link."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.ids import Ids
from shared.job import Job
from shared.link import Link, Outbox
from shared.settings import Settings
from shared.submission import error_of, publication_of, seal
from shared.topology import Names


class LinkSubmitter:
    """What a handler's context submits with. Nobody waits for the replies: records have them."""

    def __init__(self, settings: Settings, names: Names) -> None:
        self._settings, self._names, self._ids = settings, names, Ids()

    def connect(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        """Once, before the first job: the executors that hold this submitter are made before the Link is."""
        self._outbox = Outbox(link, loop)

    async def __call__(self, job: Job[Any], queue: str | None, tags: tuple[str, ...]) -> str:
        """Publish and return the id. Raises `BrokerDown`, `NotAccepted`, `OutcomeUnknown`, `TooLarge`, `ValueError`."""
        envelope = seal(job, self._ids.new(), queue=queue, tags=tags)
        outcome = await self._outbox.publish(publication_of(envelope, self._names, self._settings))
        error = error_of(outcome, envelope.id)
        if error is not None:
            raise error
        return envelope.id
