"""Retention: records of jobs that ended long ago are deleted in the background, in small steps."""

from __future__ import annotations

import asyncio

from shared.errors import RecordsDown
from shared.log import Logger
from shared.records import Records
from shared.submission import now_ms

log = Logger()

EVERY = 60.0  # seconds
STEP = 1000  # records


async def sweep_forever(records: Records, keep_for: float) -> None:
    """Until cancelled: delete what ended more than `keep_for` seconds ago."""
    while True:
        try:
            swept = await sweep(records, now_ms() - int(keep_for * 1000))
        except RecordsDown:
            swept = 0  # the store says so in the log
        if swept:
            log.info("records.swept", records=swept)
        await asyncio.sleep(EVERY)


async def sweep(records: Records, before: int) -> int:
    """Delete all that ended before `before` (milliseconds since 1970); returns how many. Raises `RecordsDown`."""
    total = 0
    while swept := await asyncio.to_thread(records.sweep, before, STEP):
        total += swept
    return total
