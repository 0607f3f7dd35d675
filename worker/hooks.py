"""Start and stop hooks of handlers: open a pool, load a model, close it again.

A hook is a function of a handler's module, marked, and otherwise left alone:

    @on_start
    async def connect() -> None: ...

Hooks run where the handlers of their module run: on the worker's loop, and in each child process
for handlers of `Run.PROCESS` (there only plain functions). Start hooks run in the order of the
modules, stop hooks in the reverse order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

Hook = Callable[[], Awaitable[None]] | Callable[[], None]
H = TypeVar("H", bound=Hook)

START, STOP = "__fairway_on_start__", "__fairway_on_stop__"


@dataclass(frozen=True)
class Hooks:
    """What runs before the first job and after the last one."""

    start: tuple[Hook, ...] = ()
    stop: tuple[Hook, ...] = ()


def on_start(function: H) -> H:
    """Run `function` before the first job. An error in it keeps the worker from starting."""
    setattr(function, START, True)
    return function


def on_stop(function: H) -> H:
    """Run `function` after the last job. An error in it is logged, and the next hook runs."""
    setattr(function, STOP, True)
    return function


def hooks_in(modules: Iterable[ModuleType]) -> Hooks:
    """The hooks that `modules` define themselves."""
    marked = [value for module in modules for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    start = tuple(value for value in marked if hasattr(value, START))
    stop = tuple(value for value in marked if hasattr(value, STOP))
    return Hooks(start, stop[::-1])
