"""Logs: structlog on standard output, JSON in production and readable on a terminal.

`EVENTS` is the one list of event names; a test fails where another is used. Payloads are never logged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Literal, Protocol

import structlog

EVENTS = frozenset(
    {
        "link.connected",
        "link.lost",
        "link.unreachable",
        "link.blocked",
        "link.unblocked",
        "link.consumer_lost",
        "job.finished",
        "job.failed",
        "job.stuck",
        "job.unsettled",
        "job.adopted",
        "job.given_back",
        "message.unreadable",
        "child.started",
        "child.died",
        "child.killed",
        "hook.failed",
        "worker.ready",
        "worker.waiting",
        "worker.stopping",
        "worker.stopped",
        "web.ready",
        "web.stopped",
        "records.done_failed",
        "records.keeper_failed",
        "records.down",
        "records.up",
        "records.unreadable",
        "records.swept",
    }
)


class Attempt(Protocol):
    """What is bound to each line of an attempt, a handler's own lines included (there as `job`,
    `type`, `attempt` and `worker`). The handler's context is one.
    """

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def worker(self) -> str: ...


# One variable for the four, and for the handler's context: it is set once for each job on the hot path.
current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)


def _bind_attempt(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    attempt = current_attempt.get()
    if attempt is not None:
        event.setdefault("job", attempt.id)
        event.setdefault("type", attempt.type)
        event.setdefault("attempt", attempt.attempt)
        event.setdefault("worker", attempt.worker)
    return event


def _bind(who: Mapping[str, str]) -> Any:
    def bind(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in who.items():
            event.setdefault(name, value)
        return event

    return bind


# Lines of ours in a process that isn't ours: through the standard library's logger `fairway`, as a library should.
_GUEST: Any = structlog.wrap_logger(
    logging.getLogger("fairway"),
    processors=[structlog.stdlib.filter_by_level, _bind_attempt, structlog.processors.KeyValueRenderer(key_order=["event"])],
    wrapper_class=structlog.stdlib.BoundLogger,
)


class Logger:
    """structlog as the process configured it; where it didn't, the standard library's logger `fairway`."""

    def __getattr__(self, method: str) -> Any:
        return getattr(structlog.get_logger() if structlog.is_configured() else _GUEST, method)


def configure(form: Literal["auto", "json", "console"], level: str, **who: str) -> None:
    """Set logging up for this process: structlog, and the standard library's loggers through it.

    `form` and `level` as in `Settings.log` and `Settings.log_level`; `who` is bound to every line of the
    process (`worker="worker-1"`). Child processes call it again: a configured logger can't be pickled.
    """
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
    shared_processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _bind_attempt,
        _bind(who),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False) if console else structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if console:
        final: list[Any] = [structlog.dev.ConsoleRenderer()]
    else:
        final = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared_processors, *final],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),  # line and newline in one write: processes share this output
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))  # libraries: only what is wrong
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # the Link says in a line of its own what pika says in ten
