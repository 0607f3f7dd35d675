"""Daemon threads that are started on demand and kept, for work that the event loop waits for.

Not `ThreadPoolExecutor`: the interpreter joins its threads at exit, so one stuck handler would keep
a leaving worker alive for ever.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

Ended = tuple[bytes, BaseException | None]
_Work = tuple[Callable[[], Ended], "asyncio.Future[Ended]", asyncio.AbstractEventLoop]


class Threads:
    """As many threads as calls run at once. To be used from one event loop."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._busy = 0
        self._started = 0

    def call(self, function: Callable[[], bytes]) -> asyncio.Future[Ended]:
        """Call `function` in a thread, in a copy of the caller's context.

        The future's result is what it returned and what it raised. An exception is a value here: set
        as the future's own, a `CancelledError` or a `StopIteration` of the handler would mean something else.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Ended] = loop.create_future()
        context = contextvars.copy_context()
        self._busy += 1
        if self._busy > self._started:
            self._started += 1
            threading.Thread(target=self._serve, name=f"handler-{next(self._numbers)}", daemon=True).start()
        self._work.put((lambda: context.run(_ended, function), future, loop))
        return future

    def close(self) -> None:
        """Threads that are at rest end; the others do when their call has ended."""
        for _ in range(self._started):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            function, future, loop = work
            ended = (b"", None) if future.cancelled() else function()  # nobody waits: not begun
            with suppress(RuntimeError):  # the loop is closed: the worker has left
                loop.call_soon_threadsafe(self._finish, future, ended)
            del work, function, future, ended  # a thread at rest keeps nothing alive

    def _finish(self, future: asyncio.Future[Ended], ended: Ended) -> None:
        self._busy -= 1
        if not future.done():  # cancelled meanwhile: nobody waits
            future.set_result(ended)


def _ended(function: Callable[[], bytes]) -> Ended:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - a thread's error belongs to the one who waits
        return b"", error
