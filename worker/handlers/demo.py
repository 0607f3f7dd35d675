"""The handlers of `demo.sleep` and of its twin in a thread."""

from __future__ import annotations

import asyncio
import os
import time

from shared.jobs.demo import Sleep, SleepInThread, Slept
from worker.context import current
from worker.handler import handles

LIMIT = 3660.0  # seconds: the longest sleep, and a minute to spare
LOOK = 0.1  # seconds between two looks at whether to stop


@handles(Sleep, timeout=LIMIT)
async def sleep(job: Sleep) -> Slept:
    """Sleep as a coroutine."""
    began = time.monotonic()
    await asyncio.sleep(job.seconds)
    return _slept(began)


@handles(SleepInThread, timeout=LIMIT)
def sleep_in_thread(job: SleepInThread) -> Slept:
    """Sleep in short naps, and wake when the worker asks to: nothing else can stop a thread."""
    began = time.monotonic()
    context = current()
    while not context.cancelled and (left := began + job.seconds - time.monotonic()) > 0:
        time.sleep(min(left, LOOK))
    return _slept(began)


def _slept(began: float) -> Slept:
    return Slept(seconds=round(time.monotonic() - began, 3), worker=current().worker, pid=os.getpid())
