"""The places where handlers run, each with its free slots and what waits for one."""

from __future__ import annotations

from collections.abc import Mapping

from worker.dispatch import Dispatch
from worker.executor import Executor
from worker.handler import Run
from worker.held import Held


class Place:
    """One kind of executor: `slots` in all, `free` now, and the deliveries that wait for one."""

    def __init__(self, executor: Executor, dispatch: Dispatch) -> None:
        self.executor, self.dispatch = executor, dispatch
        self.slots = self.free = executor.slots

    def next(self) -> Held | None:
        """The delivery to start now; takes a slot for it."""
        if self.free < 1:
            return None
        held = self.dispatch.next()
        if held is not None:
            self.free -= 1
        return held


def windows(
    places: Mapping[Run, Place], queues: Mapping[str, Run], orphans: Mapping[str, int], adopted: Mapping[str, int]
) -> dict[str, int]:
    """The prefetch of each queue: its share of its executor's slots, less those that orphans keep.

    An orphan is a job that still runs although its delivery's connection is gone: the broker doesn't
    count it, so the window must. At least 1, or the consumer could never be woken. An adopted one has come
    back, and takes no slot: for each there is room for one more, so that the rest of our own can come, which
    the broker put back to the head of the queue, before another worker runs them too.
    """
    sharing = {run: sum(other is run for other in queues.values()) for run in places}
    share = {queue: places[run].dispatch.prefetch(places[run].slots, sharing[run]) for queue, run in queues.items()}
    return {queue: min(most, max(1, most - orphans.get(queue, 0)) + adopted.get(queue, 0)) for queue, most in share.items()}
