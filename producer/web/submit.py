"""`POST /v1/jobs`: the hot path, a raw Starlette route. Nothing is published before the request is known to be good,
and 202 is said only when the broker has the job safe.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from producer.web.answers import RETRY_AFTER, Json, of_error
from producer.web.body import JSON, RawHeaders, media_type, whole
from producer.web.intake import Submission
from producer.web.prefer import preferred_wait
from producer.web.render import members
from producer.web.tier import Tier
from producer.web.unbuilt import IDEMPOTENCY_KEY, not_built
from producer.web.waiting import finished
from shared.envelope import Envelope, Reply, State
from shared.errors import NoRecords, OutcomeUnknown, RecordsDown
from shared.record import Record
from shared.submission import seal


def submit_route(tier: Tier) -> Route:
    """The route, for `tier`."""
    client, intake, settings = tier.client, tier.intake, tier.settings

    async def submit(request: Request) -> Response:
        headers: RawHeaders = dict(request.scope["headers"])
        media_type(headers, JSON)
        refuse_unbuilt(headers)
        body = await whole(request, headers, settings.body_limit)
        submission = intake.one(body)
        wished = preferred_wait(request.headers.getlist("prefer")) if b"prefer" in headers else 0
        seconds = tier.waiting.granted(wished, settings.wait_limit)
        tier.check_open()
        envelope = sealed(tier, submission, client.reply_key if seconds else None)
        intake.check_finite(envelope.args, body)
        if not seconds:
            await client.accept(envelope)
            return _accepted(queued(envelope), {})
        return await _submit_and_wait(tier, envelope, seconds)

    return Route("/v1/jobs", submit, methods=["POST"])


def refuse_unbuilt(headers: RawHeaders) -> None:
    """Raises `HttpProblem` for a header that asks for what isn't built yet."""
    if IDEMPOTENCY_KEY in headers:
        raise not_built("the header `Idempotency-Key`")


def sealed(tier: Tier, submission: Submission, reply_to: str | None = None) -> Envelope:
    """The submission as a job in flight, under a new id."""
    return seal(submission.args, tier.client.new_id(), queue=submission.queue, tags=submission.tags, reply_to=reply_to)


def queued(envelope: Envelope) -> Record:
    """The record of a job that was just accepted."""
    return Record(
        id=envelope.id,
        type=envelope.type,
        queue=envelope.queue,
        state=State.QUEUED,
        created=envelope.created,
        args=envelope.args,
        tags=envelope.tags,
    )


def _accepted(record: Record, headers: dict[str, str]) -> Response:
    return Json(members(record), 202, {"Location": f"/v1/jobs/{record.id}", **RETRY_AFTER, **headers})


async def _submit_and_wait(tier: Tier, envelope: Envelope, seconds: float) -> Response:
    headers = {"Preference-Applied": f"wait={seconds:g}"}
    until = asyncio.get_running_loop().time() + seconds
    with tier.waiting.on(envelope.id) as wait:
        unknown: OutcomeUnknown | None = None
        try:
            await tier.client.accept(envelope)
        except OutcomeUnknown as error:  # the reply would prove that it was accepted
            unknown = error
        reply: Reply | None = await wait.ended(until - asyncio.get_running_loop().time())
    if reply is not None:
        return Json(members(finished(queued(envelope), reply)), 200, {"Location": f"/v1/jobs/{envelope.id}", **headers})
    if unknown is not None:
        raise of_error(unknown)
    return _accepted(await _as_it_stands(tier, envelope), headers)


async def _as_it_stands(tier: Tier, envelope: Envelope) -> Record:
    """An accepted job. That its record can't be read takes nothing away from its being accepted."""
    try:
        return await asyncio.to_thread(tier.records.get, envelope.id) or queued(envelope)
    except (NoRecords, RecordsDown):
        return queued(envelope)
