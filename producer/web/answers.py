"""What goes back to an HTTP client: JSON, and problems as `application/problem+json` (RFC 9457).

A problem's `type` is a short name that programs may compare, as in `shared.errors.Problem`; what an
error of ours is in HTTP is said in `of_error`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from shared.errors import BrokerDown, FairwayError, NoRecords, NotAccepted, OutcomeUnknown, RecordsDown, TooLarge, TopologyMissing

INTERNAL_ERROR, AWAY = 500, 503
INTERNAL = "Something is wrong in here; the log of this replica says what."
RETRY_AFTER: Mapping[str, str] = {"Retry-After": "1"}  # seconds; what comes back by itself is back within a few


class Json(Response):
    """A body as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return to_json(content)


class HttpProblem(Exception):
    """An answer that is no success. `more` are further members, `headers` further headers of the answer."""

    def __init__(
        self, status: int, type: str, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail or title)
        self.status, self.headers = status, dict(headers or {})
        self.members: dict[str, Any] = {"type": type, "title": title, "status": status, "detail": detail or title, **more}

    def answer(self) -> Response:
        return Json(self.members, self.status, self.headers, media_type="application/problem+json")


def invalid_parameters(*wrong: tuple[str, str]) -> HttpProblem:
    """Parameters of the address, each with what is wrong with it."""
    errors = [{"detail": detail, "parameter": parameter} for parameter, detail in wrong]
    words = "; ".join(f"{parameter}: {detail}" for parameter, detail in wrong)
    return HttpProblem(422, "invalid_parameters", "A parameter of the address does not fit.", words, errors=errors)


# What an error is in HTTP: status, type, title. The root stands for those that a client can do nothing about.
_AS: Mapping[type[FairwayError], tuple[int, str, str]] = {
    BrokerDown: (503, "broker_down", "The broker is away or blocked; the job was not accepted."),
    OutcomeUnknown: (503, "outcome_unknown", "The job may or may not have been accepted."),
    NotAccepted: (503, "not_accepted", "The broker does not take the job."),
    TopologyMissing: (503, "topology_missing", "The broker lacks a queue that should be there."),
    RecordsDown: (503, "records_down", "The records can't be read."),
    NoRecords: (404, "no_records", "This deployment keeps no records."),
    TooLarge: (413, "too_large", "The job is over the size limit."),
    FairwayError: (500, "internal", INTERNAL),
}


def of_error(error: FairwayError) -> HttpProblem:
    """An error of ours in HTTP."""
    status, name, title = next(_AS[kind] for kind in type(error).__mro__ if kind in _AS)
    return HttpProblem(
        status,
        name,
        title,
        "" if status == INTERNAL_ERROR else str(error),
        headers=RETRY_AFTER if status == AWAY else {},
        **({"id": error.id} if isinstance(error, OutcomeUnknown) else {}),
    )
