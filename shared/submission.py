"""Handing a job over: sealing it into an envelope, and naming what came of its publish.

What clients and handlers' contexts share. No threads, no loop, no sockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, assert_never

from shared.envelope import Envelope
from shared.errors import BrokerDown, FairwayError, NotAccepted, OutcomeUnknown, TooLarge
from shared.job import QUEUE, Job
from shared.link import Accepted, Publication, PublishOutcome, Refused, Unknown, Unroutable
from shared.settings import Settings
from shared.topology import Names
from shared.wire import TAG, pack_job

MOST_TAGS = 20


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def seal(
    job: Job[Any],
    id: str,
    *,
    queue: str | None = None,
    tags: Iterable[str] = (),
    reply_to: str | None = None,
    now: Callable[[], int] = now_ms,
) -> Envelope:
    """The envelope of a new job. Raises `ValueError` for a queue or a tag of another form."""
    spec = job.spec
    tags = tuple(tags)
    check_labels(queue, tags)
    args = job.__pydantic_serializer__.to_json(job)
    return Envelope(id, spec.name, queue or spec.queue, args, now(), 1, reply_to, tags)


def check_labels(queue: str | None, tags: tuple[str, ...]) -> None:
    """Raises `ValueError` naming the field where the queue or a tag has a form that can't travel."""
    if queue is not None and not QUEUE.fullmatch(queue):
        raise ValueError(f"queue: {queue!r} must match [a-z0-9-]{{1,40}}")
    if len(tags) > MOST_TAGS:
        raise ValueError(f"tags: at most {MOST_TAGS}")
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise ValueError(f"tags: {tag!r} must be 1 to 40 of A-Z a-z 0-9 _ . : @ -")


def publication_of(envelope: Envelope, names: Names, settings: Settings) -> Publication:
    """The sealed job on its way to its queue. Raises `TooLarge` before anything is sent.

    Its headers need no check: each is bounded by its own form (`check_labels`).
    """
    if len(envelope.args) > settings.body_limit:
        raise TooLarge(f"the arguments have {len(envelope.args)} bytes; the limit is {settings.body_limit} (FAIRWAY_BODY_LIMIT)")
    return Publication(names.jobs, envelope.queue, pack_job(envelope))


def error_of(outcome: PublishOutcome, id: str) -> FairwayError | None:
    """What to raise for a publish of job `id` that was not accepted; None for one that was."""
    match outcome:
        case Accepted():
            return None
        case Unroutable(reason):
            return NotAccepted(f"{reason}; does the queue exist? `fairway topology plan` shows what is missing")
        case Refused(reason, away):
            return BrokerDown(reason) if away else NotAccepted(reason)
        case Unknown(reason):
            return OutcomeUnknown(reason, id)
        case _:
            assert_never(outcome)
