"""The modules of a child's handlers: imported when first needed, their hooks run around them."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType

from shared.log import Logger
from worker.hooks import Hook, hooks_in

log = Logger()


class Modules:
    """Start hooks run after a module's first import, stop hooks in the reverse order at the end."""

    def __init__(self) -> None:
        self._loaded: dict[str, ModuleType] = {}
        self._stop: list[Hook] = []

    def load(self, name: str) -> ModuleType:
        """The module `name`. Raises what its import or a start hook raises; then it isn't loaded."""
        if name not in self._loaded:
            module = import_module(name)
            hooks = hooks_in([module])
            for hook in hooks.start:
                _call(hook)
            self._stop[:0] = hooks.stop
            self._loaded[name] = module
        return self._loaded[name]

    def stop(self) -> None:
        """Run the stop hooks. An error in one is logged, and the next runs."""
        for hook in self._stop:
            try:
                _call(hook)
            except Exception:
                log.exception("hook.failed", hook=hook.__qualname__)


def _call(hook: Hook) -> None:
    if inspect.iscoroutinefunction(hook):
        raise TypeError(f"{hook.__module__}.{hook.__qualname__} is a coroutine function; in a child process hooks are plain functions")
    hook()
