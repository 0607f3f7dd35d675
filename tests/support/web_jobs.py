"""Job types for the tests of the web tier: one with every kind of argument that can go wrong, one of another queue."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.job import Job


class Place(BaseModel):
    city: str
    floor: int


class Greet(Job[str], name="test.greet", queue="front"):
    """Say hello."""

    name: str
    times: int = Field(default=1, ge=1, le=10)
    weight: float | None = None
    note: Any = None
    at: list[Place] | Place | None = None


class Count(Job[int], name="test.count", queue="back"):
    """Count up."""

    to: int
