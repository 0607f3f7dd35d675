"""`POST /v1/jobs/batch`: many jobs in one request, each with an outcome of its own. Not atomic.

A JSON array is read whole, and nothing of it is published before all of it is known to be JSON; NDJSON is
published as it comes in. Jobs go out in slices of one confirm window; what the broker doesn't confirm is
said of each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from producer.web.answers import HttpProblem, Json, of_error
from producer.web.body import JSON, NDJSON, RawHeaders, lines, media_type, too_large, whole
from producer.web.intake import Submission
from producer.web.submit import refuse_unbuilt, sealed
from producer.web.tier import Tier
from shared.envelope import Envelope
from shared.errors import BrokerDown, FairwayError

ARRAY_BODIES = 16  # times the body limit: an array has to fit into memory at once

Entry = Envelope | HttpProblem  # to be published, or why not
Outcome = dict[str, Any]


def batch_route(tier: Tier) -> Route:
    """The route, for `tier`."""

    async def submit_batch(request: Request) -> Response:
        headers: RawHeaders = dict(request.scope["headers"])
        form = media_type(headers, JSON, NDJSON)
        refuse_unbuilt(headers)
        tier.check_open()
        entries = _streamed(tier, request) if form == NDJSON else _array(tier, request, headers)
        outcomes: list[Outcome] = []
        async for few in _slices(entries, tier.settings.window):
            outcomes += await _hand_over(tier, few, len(outcomes))
        return Json({"outcomes": outcomes}, 202)

    return Route("/v1/jobs/batch", submit_batch, methods=["POST"])


async def _array(tier: Tier, request: Request, headers: RawHeaders) -> AsyncIterator[Entry]:
    body = await whole(request, headers, ARRAY_BODIES * tier.settings.body_limit)
    submissions = tier.intake.many(body)
    if len(submissions) > tier.settings.batch_limit:
        raise _too_many(tier.settings.batch_limit)
    entries = [_entry(tier, submission) for submission in submissions]
    if any(isinstance(entry, Envelope) and b"null" in entry.args for entry in entries):
        tier.intake.document(body)
    for entry in entries:
        yield entry


async def _streamed(tier: Tier, request: Request) -> AsyncIterator[Entry]:
    """What stops the reading is the outcome of the entry where it stopped: those before it stand."""
    number = 0
    try:
        async for line in lines(request, tier.settings.body_limit):
            if number == tier.settings.batch_limit:
                raise _too_many(number)
            number += 1
            yield _line(tier, line)
    except HttpProblem as problem:
        problem.members["detail"] += "; this entry and all behind it were not read"
        yield problem


def _line(tier: Tier, line: bytes) -> Entry:
    try:
        entry = _entry(tier, tier.intake.one(line))
        if isinstance(entry, Envelope):
            tier.intake.check_finite(entry.args, line)
    except HttpProblem as problem:
        return problem
    return entry


def _entry(tier: Tier, submission: Submission | HttpProblem) -> Entry:
    if isinstance(submission, HttpProblem):
        return submission
    envelope, limit = sealed(tier, submission), tier.settings.body_limit
    return envelope if len(envelope.args) <= limit else too_large(limit)


def _too_many(limit: int) -> HttpProblem:
    return HttpProblem(413, "too_many", "The batch has too many jobs.", f"at most {limit} in one batch (FAIRWAY_BATCH_LIMIT)")


async def _slices(entries: AsyncIterator[Entry], size: int) -> AsyncIterator[list[Entry]]:
    few: list[Entry] = []
    async for entry in entries:
        few.append(entry)
        if len(few) == size:
            yield few
            few = []
    if few:
        yield few


async def _hand_over(tier: Tier, entries: Sequence[Entry], first: int) -> list[Outcome]:
    """Publish a slice, whose first entry has the number `first`, in one confirm window."""
    envelopes = [entry for entry in entries if isinstance(entry, Envelope)]
    answers: list[FairwayError | None]
    try:
        tier.check_open()
        answers = await tier.client.accept_all(envelopes)
    except BrokerDown as error:
        answers = [error] * len(envelopes)
    ends = dict(zip((envelope.id for envelope in envelopes), answers, strict=True))
    return [_outcome(index, entry, ends) for index, entry in enumerate(entries, first)]


def _outcome(index: int, entry: Entry, ends: dict[str, FairwayError | None]) -> Outcome:
    if isinstance(entry, HttpProblem):
        return {"index": index, "problem": entry.members}
    error = ends[entry.id]
    return {"index": index, "id": entry.id} if error is None else {"index": index, "problem": of_error(error).members}
