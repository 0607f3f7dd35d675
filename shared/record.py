"""What is known of a job: the record that HTTP shows, clients read and the store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from shared.envelope import State
from shared.errors import PROBLEM, Problem


@dataclass(frozen=True, slots=True)
class Record:
    """One job. `args` and `reply` are JSON as it travelled; times are milliseconds since 1970.

    `args` is None where the row was rebuilt from a reply alone (the store was away at the submit).
    """

    id: str
    type: str
    queue: str
    state: State
    created: int
    args: bytes | None = None
    tags: tuple[str, ...] = ()
    attempt: int = 1
    deliveries: int = 0
    worker: str | None = None
    reply: bytes | None = None
    problem: Problem | None = None
    started: int | None = None
    finished: int | None = None

    def members(self) -> dict[str, Any]:
        """The members of a job as HTTP and the command line show them, times as RFC 3339 in UTC."""
        return {
            "id": self.id,
            "type": self.type,
            "queue": self.queue,
            "priority": "normal",
            "tenant": None,
            "tags": list(self.tags),
            "state": self.state.value,
            "attempt": self.attempt,
            "deliveries": self.deliveries,
            "worker": self.worker,
            "args": None if self.args is None else from_json(self.args),
            "reply": None if self.reply is None else from_json(self.reply),
            "problem": None if self.problem is None else PROBLEM.dump_python(self.problem, exclude_none=True),
            "created": rfc3339(self.created),
            "not_before": None,
            "started": None if self.started is None else rfc3339(self.started),
            "finished": None if self.finished is None else rfc3339(self.finished),
            "attempts": [],
        }


def rfc3339(millis: int) -> str:
    """2026-01-31T08:15:00.250Z"""
    at = datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)  # a float would lose the last digit
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
