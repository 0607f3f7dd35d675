"""Publishing from an asyncio loop: futures for outcomes, resolved in batches."""

from __future__ import annotations

import asyncio
from functools import partial

from shared.link.link import Link
from shared.link.mailbox import Mailbox
from shared.link.outcome import PublishOutcome
from shared.link.publication import Publication

Waiting = asyncio.Future[PublishOutcome]


class Outbox:
    """The publishing face of `link` for the code on `loop`."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link, self._loop = link, loop
        self._outcomes: Mailbox[tuple[Waiting, PublishOutcome]] = Mailbox(loop, _resolve)

    def publish(self, publication: Publication, timeout: float | None = None) -> Waiting:
        """Send it; the future gives its outcome and never raises. `timeout` as in `Link.publish`."""
        waiting: Waiting = self._loop.create_future()
        self._link.publish(publication, partial(self._settle, waiting), timeout)
        return waiting

    def _settle(self, waiting: Waiting, outcome: PublishOutcome) -> None:
        """In the Link's thread."""
        try:
            self._outcomes.put((waiting, outcome))
        except RuntimeError:
            return  # the loop is closed: nobody waits


def _resolve(batch: list[tuple[Waiting, PublishOutcome]]) -> None:
    for waiting, outcome in batch:
        if not waiting.done():
            waiting.set_result(outcome)
