"""Jobs that take time and do nothing else: to see how a fleet behaves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from shared.job import Job

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False, description="how long to sleep, at most an hour")]


class Slept(BaseModel):
    """Where and how long it slept."""

    seconds: float = Field(description="how long it really slept")
    worker: str = Field(description="name of the worker")
    pid: int = Field(description="process that slept")


class Sleep(Job[Slept], name="demo.sleep"):
    """Sleep on the worker's loop, beside many others."""

    seconds: Seconds


class SleepInThread(Job[Slept], name="demo.sleep-thread", queue="threads"):
    """Sleep in a thread of the worker."""

    seconds: Seconds
