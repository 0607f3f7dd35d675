"""Records over HTTP: one job, waited for where that is wished, and pages of jobs."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from producer.web.answers import HttpProblem, Json, invalid_parameters
from producer.web.prefer import preferred_wait
from producer.web.render import members
from producer.web.shapes import FAILURES, Job, JobPage
from producer.web.tier import Here, Tier
from producer.web.waiting import EVERY, finished
from shared import records
from shared.envelope import State
from shared.ids import created_ms, is_id
from shared.record import Record
from shared.records.cursor import LONGEST_PAGE
from shared.submission import now_ms

YOUNG = 1000  # milliseconds: the row of a job that another replica has just accepted may still be on its way


class Filter(BaseModel):
    """What `GET /v1/jobs` can be asked. Another parameter is an error: to ignore it would be a wrong answer."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    type: str | None = None
    queue: str | None = None
    tag: str | None = None
    cursor: str | None = Field(None, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class Patience(BaseModel):
    """What `GET /v1/jobs/{id}` can be asked."""

    model_config = ConfigDict(extra="forbid")

    wait: float = Field(0.0, ge=0, description="seconds to wait for the job's end, up to the limit of the deployment")


router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=FAILURES)


@router.get("", summary="List jobs", responses={200: {"model": JobPage}})
async def jobs(tier: Here, wanted: Annotated[Filter, Query()]) -> Response:
    """A page of jobs, newest first; the header `Link` with `rel="next"` leads to the next one."""
    query = records.Query(wanted.state, wanted.type, wanted.queue, wanted.tag)
    try:
        page = await asyncio.to_thread(tier.records.find, query, wanted.cursor, wanted.limit)
    except ValueError as error:
        raise invalid_parameters(("cursor", str(error).removeprefix("cursor: "))) from None
    following = wanted.model_copy(update={"cursor": page.next}).model_dump(mode="json", exclude_none=True)
    headers = {"Link": f'</v1/jobs?{urlencode(following)}>; rel="next"'} if page.next else {}
    return Json({"items": [members(record) for record in page.items], "next": page.next}, headers=headers)


@router.get("/{id}", summary="Look a job up, or wait for its end", responses={200: {"model": Job}})
async def job(id: str, request: Request, tier: Here, patience: Annotated[Patience, Query()]) -> Response:
    """What is known of a job, from any replica; with `wait` (or `Prefer: wait=N`) as soon as it ends."""
    record = await _found(tier, id)
    seconds = patience.wait or preferred_wait(request.headers.getlist("prefer"))
    if seconds and not record.state.terminal:
        record = await _ended(tier, record, tier.waiting.granted(seconds, tier.settings.wait_limit))
    return Json(members(record))


async def _found(tier: Tier, id: str) -> Record:
    """The record. Raises `HttpProblem` (404) where there is none, and none can be expected any more."""
    now = asyncio.get_running_loop().time
    until = now() + _youth_left(id) / 1000
    while (record := await asyncio.to_thread(tier.records.get, id)) is None:
        if now() > until:
            detail = "no job has this id, or its record was deleted (FAIRWAY_RECORDS_FOR)"
            raise HttpProblem(404, "unknown_job", "There is no such job.", detail)
        await asyncio.sleep(EVERY)
    return record


def _youth_left(id: str) -> int:
    """For how many milliseconds from now on a job of this id counts as young: 0 to `YOUNG`."""
    if not is_id(id) or id[14] != "7":  # no UUIDv7: it doesn't say when it was made
        return 0
    return max(0, min(YOUNG, created_ms(id) + YOUNG - now_ms()))


async def _ended(tier: Tier, record: Record, seconds: float) -> Record:
    """The finished job, or the job as it stands after `seconds`."""
    with tier.waiting.on(record.id) as wait:
        reply = await wait.ended(seconds)
    if reply is not None:
        return finished(record, reply)
    return await asyncio.to_thread(tier.records.get, record.id) or record
