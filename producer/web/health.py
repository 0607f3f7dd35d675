"""Whether this replica lives, and whether it can take jobs now, with the reasons in words where it can't."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from producer.web.answers import RETRY_AFTER, HttpProblem, Json
from producer.web.shapes import FAILURES, Health
from producer.web.tier import Here, Tier
from shared.errors import BrokerDown
from shared.topology import Names

router = APIRouter(tags=["health"], responses=FAILURES)


@router.get("/livez", summary="Does the process answer?", responses={200: {"model": Health}})
async def livez() -> Response:
    """The process answers."""
    return Json({"status": "ok"})


@router.get("/readyz", summary="Could it take a job now?", responses={200: {"model": Health}})
async def readyz(tier: Here) -> Response:
    """The broker would take a job, finds its queues, and results are recorded."""
    reasons = await _reasons(tier)
    if reasons:
        raise HttpProblem(503, "not_ready", "This replica can't take jobs now.", "; ".join(reasons), headers=RETRY_AFTER, reasons=reasons)
    return Json({"status": "ok"})


async def _reasons(tier: Tier) -> list[str]:
    reasons = [] if tier.keeper is None or tier.keeper.running else ["the record keeper has stopped"]
    try:
        tier.check_open()
        return reasons + await _missing(tier)
    except BrokerDown as error:
        return [*reasons, str(error)]


async def _missing(tier: Tier) -> list[str]:
    names = Names(tier.settings.prefix)
    wanted = [names.work(queue) for queue in tier.catalogue.queues]
    found = await tier.depths.of(wanted)
    return [f"queue {queue} is missing: `fairway topology apply` makes it" for queue in wanted if queue not in found]
