"""The job that is measured: about 130 bytes of arguments, and nothing to do."""

from __future__ import annotations

from shared.job import Job


class Noop(Job[None], name="bench.noop", queue="bench"):
    """Does nothing, so that what is measured is the queue."""

    text: str
    number: int = 0
