"""The handler of the job that is measured. It counts: the last of BENCH_JOBS jobs tells the figure of the drain."""

from __future__ import annotations

import os

from benchmarks.figure import Watch
from benchmarks.jobs import Noop
from worker.handler import handles
from worker.hooks import on_start


class Count:
    """How far a drain is."""

    def __init__(self, jobs: int) -> None:
        self.jobs, self.done = jobs, 0
        self.watch = Watch()

    def one(self) -> None:
        if self.done == 0:
            self.watch = Watch()
        self.done += 1
        if self.done == self.jobs:
            self.watch.figure(self.jobs).tell()


count = Count(int(os.environ.get("BENCH_JOBS", "0")))


@on_start
def ready() -> None:
    """Told to the bench: from here on jobs are taken."""
    print("ready", flush=True)


@handles(Noop)
async def noop(_: Noop) -> None:
    """Nothing, and count it."""
    count.one()
