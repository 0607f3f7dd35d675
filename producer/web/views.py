"""The deployment over HTTP: its job types, its queues, its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from producer.web.answers import Json
from producer.web.fleet import Fleet, members
from producer.web.shapes import FAILURES, JobTypes, Queues, Workers
from producer.web.tier import Here
from shared.control.depths import Depth
from shared.errors import TopologyMissing
from shared.topology import Names

router = APIRouter(prefix="/v1", responses=FAILURES)


@router.get("/types", summary="List the job types, with their schemas", responses={200: {"model": JobTypes}}, tags=["jobs"])
async def types(tier: Here) -> Response:
    """The types of job that this deployment knows."""
    return Json({"items": tier.kinds})


@router.get("/queues", summary="See what waits and what runs", responses={200: {"model": Queues}}, tags=["fleet"])
async def queues(tier: Here) -> Response:
    """How much waits in each queue and how much runs, as it is at this moment."""
    names, wanted = Names(tier.settings.prefix), tier.catalogue.queues
    depths = await tier.depths.of([*map(names.work, wanted), *map(names.dead_of, wanted)])
    now = asyncio.get_running_loop().time()
    return Json(
        {
            "items": [
                _queue(tier.fleet, queue, _depth(depths, names.work(queue)), _depth(depths, names.dead_of(queue)), now) for queue in wanted
            ]
        }
    )


def _depth(depths: Mapping[str, Depth], queue: str) -> Depth:
    if queue not in depths:
        raise TopologyMissing(f"queue {queue} is missing: `fairway topology apply` makes it")
    return depths[queue]


def _queue(fleet: Fleet, name: str, work: Depth, dead: Depth, now: float) -> dict[str, Any]:
    return {
        "name": name,
        "depth": work.ready,
        "in_flight": fleet.in_flight(name, now),
        "consumers": work.consumers,
        "dead": dead.ready,
        "rate": fleet.rate(name, now),
    }


@router.get("/workers", summary="See who is attached, and each one's share", responses={200: {"model": Workers}}, tags=["fleet"])
async def workers(tier: Here) -> Response:
    """Who is attached, and who did how much of it."""
    return Json({"items": members(tier.fleet.workers(asyncio.get_running_loop().time()))})
