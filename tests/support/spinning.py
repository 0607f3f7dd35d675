"""A job that never ends by itself, and keeps its child process busy all the while."""

from __future__ import annotations

from shared.job import Job
from worker.handler import Run, handles


class Spin(Job[None], name="test.spin", queue="spin"):
    pass


@handles(Spin, run=Run.PROCESS, timeout=120)
def spin(_: Spin) -> None:
    while True:
        sum(range(1000))
