"""A job in flight, and what comes back. Values that never change; no JSON, no AMQP, no clock in here.

Times are whole milliseconds since 1970 (UTC): pika can't put a float into a header.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from shared.errors import Problem


class State(StrEnum):
    """Where a job is. A closed set, never renamed."""

    QUEUED = "queued"
    DELAYED = "delayed"
    RUNNING = "running"
    RETRYING = "retrying"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({State.DONE, State.DEAD, State.CANCELLED, State.EXPIRED})


class Envelope(NamedTuple):
    """A job in flight. `id` stays the same over all attempts; `args` is its arguments as JSON."""

    id: str
    type: str
    queue: str
    args: bytes
    created: int
    attempt: int = 1
    reply_to: str | None = None
    tags: tuple[str, ...] = ()


class Reply(NamedTuple):
    """How a job ended, for the caller who waits and for the records.

    `reply` is the reply as JSON, `problem` what went wrong; exactly one of them is set.
    `deliveries` counts how often the broker handed the job to a worker, `attempt` how often its
    handler was allowed to fail; `started` and `finished` are of the last attempt.
    """

    id: str
    type: str
    queue: str
    state: State
    created: int
    reply: bytes | None = None
    problem: Problem | None = None
    worker: str = ""
    attempt: int = 1
    deliveries: int = 1
    started: int | None = None
    finished: int | None = None
    tags: tuple[str, ...] = ()
