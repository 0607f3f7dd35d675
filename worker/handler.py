"""Binding a function to a job type.

The function itself is left untouched, so that a test can call it and a child process can find it
by name. What the decorator adds is a mark that the registry reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar, overload

from pydantic import ValidationError

from shared.errors import Reject
from shared.job import Job

R = TypeVar("R")
J = TypeVar("J", bound=Job[Any], covariant=True)

MARK = "__fairway_handler__"


class Run(Enum):
    """Where a handler runs."""

    LOOP = "loop"  # async def: waits a lot
    THREAD = "thread"  # def: waits a lot
    PROCESS = "process"  # def: computes a lot, keeps the GIL, or must be killable


@dataclass(frozen=True)
class Handler:
    """A function bound to a job type. `timeout` in seconds; None takes the worker's default."""

    job: type[Job[Any]]
    function: Callable[[Any], Any]
    run: Run
    timeout: float | None

    @property
    def name(self) -> str:
        return self.job.spec.name

    @property
    def queue(self) -> str:
        return self.job.spec.queue

    def read(self, args: bytes) -> Job[Any]:
        """The job with these arguments (JSON). Raises `Reject` naming each field that doesn't fit."""
        try:
            # As `model_validate_json` does, less its checks of options that nobody gives.
            job: Job[Any] = self.job.__pydantic_validator__.validate_json(args)
        except ValidationError as error:
            # Messages only: the offending input is the user's payload, and payloads are not logged.
            places = "; ".join(f"{'.'.join(map(str, part['loc'])) or 'arguments'}: {part['msg']}" for part in error.errors())
            raise Reject(f"arguments do not fit {self.name}: {places}") from None
        return job

    def write(self, reply: Any) -> bytes:
        return self.job.spec.reply.serializer.to_json(reply)

    def invoke(self, args: bytes) -> bytes:
        """Bytes in, bytes out: the same in a thread and in another process."""
        return self.write(self.function(self.read(args)))

    async def ainvoke(self, args: bytes) -> bytes:
        """`invoke` for a coroutine function."""
        return self.write(await self.function(self.read(args)))


class handles(Generic[J]):  # noqa: N801 - reads as a verb where it is used
    """Declare the function below as the handler of a job type:

        @handles(Resize, run=Run.PROCESS, timeout=60)
        def resize(job: Resize) -> Resized: ...

    `run` is by default `Run.LOOP` for a coroutine function and `Run.THREAD` for any other;
    `timeout` in seconds is by default the worker's FAIRWAY_JOB_TIMEOUT. Raises `TypeError` where
    a coroutine function is to run off the loop, or a plain one on it.
    """

    def __init__(self, job: type[J], *, run: Run | None = None, timeout: float | None = None) -> None:
        self.job, self.run, self.timeout = job, run, timeout

    @overload
    def __call__(self: handles[Job[R]], function: Callable[[J], Awaitable[R]]) -> Callable[[J], Awaitable[R]]: ...
    @overload
    def __call__(self: handles[Job[R]], function: Callable[[J], R]) -> Callable[[J], R]: ...
    def __call__(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        asynchronous = inspect.iscoroutinefunction(function)
        run = self.run or (Run.LOOP if asynchronous else Run.THREAD)
        if asynchronous != (run is Run.LOOP):
            raise TypeError(f"{function.__qualname__}: a coroutine function runs on the loop, any other does not ({run})")
        setattr(function, MARK, Handler(self.job, function, run, self.timeout))
        return function
