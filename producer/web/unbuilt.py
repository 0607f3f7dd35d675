"""What the interface already names and the machinery can't do yet: said, never ignored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from producer.web.answers import HttpProblem

FIELDS = frozenset({"priority", "delay", "not_before", "deadline", "tenant"})
IDEMPOTENCY_KEY = b"idempotency-key"

VERBS = (
    ("DELETE", "/v1/jobs/{id}"),
    ("POST", "/v1/jobs/{id}/retry"),
    ("GET", "/v1/jobs/{id}/events"),
    ("POST", "/v1/queues/{queue}/pause"),
    ("POST", "/v1/queues/{queue}/resume"),
    ("GET", "/v1/dead"),
    ("DELETE", "/v1/dead"),
    ("POST", "/v1/dead/redrive"),
    ("GET", "/metrics"),
)


def not_built(what: str, **more: Any) -> HttpProblem:
    """The problem that names a field, a header or a verb."""
    return HttpProblem(422, "not_built", "This part of the interface is not built yet.", f"{what} is not built yet", **more)


def unbuilt_routes() -> Iterator[Route]:
    """A route for each verb, that says so."""
    for method, path in VERBS:
        yield Route(path, _refusal(f"{method} {path}"), methods=[method], include_in_schema=False)


def _refusal(verb: str) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(_: Request) -> Response:
        raise not_built(verb)

    return refuse
