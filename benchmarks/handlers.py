"""The handler of the job that is measured."""

from __future__ import annotations

from benchmarks.jobs import Noop
from worker.handler import handles


@handles(Noop)
async def noop(job: Noop) -> None:
    """Nothing."""
