"""Every error of the app as a problem: ours, those of FastAPI and Starlette, and what nobody foresaw."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from producer.web.answers import INTERNAL, HttpProblem, invalid_parameters, of_error
from shared.errors import FairwayError


def answer_failures(app: FastAPI) -> None:
    """Give `app` a problem for each way to fail."""
    # Starlette raises what nobody foresaw again after its answer, and so it comes into the log.
    for kind in (HttpProblem, FairwayError, HTTPException, RequestValidationError, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return _problem(request, error).answer()


def _problem(request: Request, error: Exception) -> HttpProblem:
    match error:
        case HttpProblem():
            return error
        case FairwayError():
            return of_error(error)
        case HTTPException():
            return _http(request, error)
        case RequestValidationError():
            return _parameters(error)
        case ClientDisconnect():
            return HttpProblem(400, "incomplete", "The client went away before its request was complete.")
        case _:
            return HttpProblem(500, "internal", INTERNAL)


def _http(request: Request, error: HTTPException) -> HttpProblem:
    path = request.url.path
    match error.status_code:
        case 404:
            return HttpProblem(404, "not_found", "There is nothing at this address.", f"{path} is no address of this API")
        case 405:
            allowed = ", ".join(_methods_at(request, path))
            detail = f"{path} takes {allowed}, not {request.method}"
            return HttpProblem(405, "method_not_allowed", "This address doesn't take that method.", detail, headers={"Allow": allowed})
        case status:
            return HttpProblem(status, "http", str(error.detail), headers=error.headers)


def _methods_at(request: Request, path: str) -> list[str]:
    # Several routes may share an address, one for each method; Starlette names only the first one's.
    routes = (route for route in request.app.routes if isinstance(route, Route) and route.path_regex.match(path))
    return sorted({method for route in routes for method in route.methods or ()})


def _parameters(error: RequestValidationError) -> HttpProblem:
    return invalid_parameters(*((str(part["loc"][-1]), part["msg"]) for part in error.errors()))
