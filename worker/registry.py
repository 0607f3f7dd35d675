"""Job name → handler, gathered from an explicit list of modules. Nothing is found by scanning folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Self

from shared.errors import NotConfigured
from worker.handler import MARK, Handler, Run
from worker.hooks import Hooks, hooks_in


class Registry:
    """The handlers and hooks of one worker.

    Raises `NotConfigured` where two handlers share a job type, or one queue has handlers for two
    kinds of executor: the queue's prefetch is the free slots of one (design rule; see docs/decisions.md).
    """

    def __init__(self, handlers: Iterable[Handler], hooks: Hooks = Hooks()) -> None:  # noqa: B008 - frozen
        self.hooks = hooks
        self._handlers: dict[str, Handler] = {}
        self.runs: dict[str, Run] = {}
        for handler in handlers:
            if handler.name in self._handlers:
                raise NotConfigured(f"two handlers for {handler.name!r}")
            if self.runs.setdefault(handler.queue, handler.run) is not handler.run:
                raise NotConfigured(
                    f"queue {handler.queue!r} has handlers that run in {self.runs[handler.queue].value!r} and in"
                    f" {handler.run.value!r} ({handler.name}); give one of them a queue of its own"
                )
            self._handlers[handler.name] = handler

    @classmethod
    def load(cls, modules: Iterable[str]) -> Self:
        """Import `modules` (dotted names) and take what they mark. Raises `NotConfigured` naming FAIRWAY_HANDLERS."""
        handlers = {module: tuple(_handlers_in(module)) for module in map(_import, modules)}
        here = [module for module, found in handlers.items() if not found or any(handler.run is not Run.PROCESS for handler in found)]
        return cls((handler for found in handlers.values() for handler in found), hooks_in(here))

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._handlers.values())

    def modules(self, run: Run) -> tuple[str, ...]:
        """The modules that define handlers of this kind, in the order of their loading."""
        return tuple(dict.fromkeys(handler.function.__module__ for handler in self if handler.run is run))

    def only(self, queues: Iterable[str]) -> dict[str, Run]:
        """The executor of each of `queues`; of all queues where none is named.

        Raises `NotConfigured` for a queue that no handler here serves.
        """
        wanted = tuple(queues) or tuple(sorted(self.runs))
        for queue in wanted:
            if queue not in self.runs:
                raise NotConfigured(f"FAIRWAY_QUEUES names {queue!r}, but no handler of FAIRWAY_HANDLERS serves it")
        return {queue: self.runs[queue] for queue in wanted}


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise NotConfigured(f"FAIRWAY_HANDLERS names the module {name!r}, which can't be imported: {error}") from error


def _handlers_in(module: ModuleType) -> Iterator[Handler]:
    for value in vars(module).values():
        # Only in the module that defines it: a re-export would register twice.
        if hasattr(value, MARK) and value.__module__ == module.__name__:
            yield getattr(value, MARK)
