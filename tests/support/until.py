"""Waiting for a moment, never for a time: a condition is asked again and again until it holds, or its deadline passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PAUSE = 0.02


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return once `condition` holds. Raises `AssertionError` where it doesn't within `seconds`. It may block for milliseconds."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(PAUSE)
