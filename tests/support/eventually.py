"""Waiting for a moment, never for a time, in tests without an event loop (`tests.support.until` is for those with one)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.01


def eventually(condition: Callable[[], T], within: float = 10.0, what: Callable[[], str] | None = None) -> T:
    """What `condition` gives as soon as it is truthy.

    Raises `AssertionError` with `what` there is to say where it isn't within so many seconds.
    """
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not so within {within} s: {what() if what else found!r}"
        time.sleep(PAUSE)
    return found
