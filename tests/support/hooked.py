"""A handler's module with hooks, for tests: each writes its name to the file HOOKED_FILE."""

from __future__ import annotations

import os
from pathlib import Path

from shared.job import Job
from worker.handler import Run, handles
from worker.hooks import on_start, on_stop


class Greet(Job[str], name="test.greet"):
    pass


def _note(word: str) -> None:
    with Path(os.environ["HOOKED_FILE"]).open("a") as file:
        file.write(f"{word}\n")


@on_start
def open_first() -> None:
    _note("open first")


@on_start
def open_second() -> None:
    _note("open second")


@on_stop
def close_last() -> None:
    _note("close last")


@on_stop
def close_first() -> None:
    _note("close first")
    raise RuntimeError("the other hook runs all the same")


@handles(Greet, run=Run.PROCESS)
def greet(_job: Greet) -> str:
    _note("greet")
    return "hello"
