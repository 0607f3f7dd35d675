"""A handler's module whose start hook fails, for tests."""

from __future__ import annotations

from worker.hooks import on_start


@on_start
def load_model() -> None:
    raise RuntimeError("no model here")
