"""A job type says what it takes and what it replies; both checkers hold its caller to it."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel, Field

from shared.job import Job


class Resized(BaseModel):
    url: str
    bytes: int


class Resize(Job[Resized], name="image.resize", queue="images"):
    url: str
    width: int = Field(default=100, ge=1)  # pyright sees a default only where it is named (PEP 681)


class Forget(Job[None], name="image.forget"):
    url: str


def good() -> None:
    assert_type(Resize(url="x"), Resize)
    assert_type(Resize(url="x", width=3).width, int)
    any_job: Job[Any] = Forget(url="x")
    assert_type(any_job.spec.name, str)


def bad() -> None:
    Resize()  # E: an argument is missing
    Resize(url="x", widht=3)  # E: no such argument
    Resize(url=3)  # E: an argument of another type
    Resize("x", 3)  # E: arguments go by name
    Resize(url="x").url = "y"  # E(mypy): a job never changes (pyright does not read pydantic's `model_config`)
    wrong: Job[str] = Forget(url="x")  # E: its reply is another one
    print(wrong)
