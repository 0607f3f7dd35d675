"""SIGINT, SIGTERM and SIGHUP as two events: the first signal asks for a warm stop, the second for a cold one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether to stop, and how."""

    def __init__(self) -> None:
        self.warm = asyncio.Event()
        self.cold = asyncio.Event()

    def ask(self) -> None:
        """What each signal does."""
        (self.cold if self.warm.is_set() else self.warm).set()

    @contextmanager
    def listening(self) -> Generator[None]:
        """Hear the signals for as long as the block lasts."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.ask)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
