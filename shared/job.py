"""What a job *is*, for the tier that asks and the tier that works.

A job type is one class. Its fields are the arguments, its parameter is the reply:

    class Resize(Job[Resized], name="image.resize", queue="images"):
        url: str
        width: int

The name is what travels; it is chosen by a person and outlives the class's own name and place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

R = TypeVar("R")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")
QUEUE = re.compile(r"[a-z0-9-]{1,40}")
LONGEST_NAME = 120


@dataclass(frozen=True)
class Spec(Generic[R]):
    """The agreement behind a job type: its name on the wire, its queue, and how its reply is read."""

    name: str
    queue: str
    reply: TypeAdapter[R]


class Job(BaseModel, Generic[R]):
    """The base of every job type; `R` is the type of its reply (`None` where nothing comes back).

    Class arguments: `name`, dotted lower-case words of at most 120 characters, and `queue`,
    `[a-z0-9-]{1,40}`, by default `default`. Raises `TypeError` where either has another form.
    Unknown arguments are refused (`extra="forbid"`), so are NaN and infinities (JSON has none), and a job
    doesn't change once it is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    spec: ClassVar[Spec[Any]]

    def __init_subclass__(cls, *, name: str = "", queue: str = "default", **options: Any) -> None:
        super().__init_subclass__(**options)

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str = "", queue: str = "default", **_: Any) -> None:
        if not name:  # `Job[Reply]` itself, on its way to becoming a job type
            return
        if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
            raise TypeError(f"{cls.__qualname__}: name={name!r} must be dotted lower-case words, 120 characters at most")
        if not QUEUE.fullmatch(queue):
            raise TypeError(f"{cls.__qualname__}: queue={queue!r} must match [a-z0-9-]{{1,40}}")
        cls.spec = Spec(name, queue, TypeAdapter(_reply_type(cls)))


def _reply_type(job: type[Job[Any]]) -> Any:
    for base in job.__mro__[1:]:
        if issubclass(base, Job) and base.__pydantic_generic_metadata__["origin"] is Job:
            return base.__pydantic_generic_metadata__["args"][0]
    raise TypeError(f"{job.__qualname__} must say what it replies: class {job.__name__}(Job[Reply], name=...)")
