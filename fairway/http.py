"""The web tier's HTTP API as the command line speaks it: one request at a time, by the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from pydantic import TypeAdapter
from pydantic_core import to_json

from fairway.origin import origins
from fairway.stop import Away, NotPossible, Stop, TryAgain
from shared.errors import NotConfigured
from shared.settings import Settings

ANSWER_TIMEOUT = 10.0  # seconds for an answer, beyond what the server was asked to wait

Object = dict[str, Any]
_OBJECT: TypeAdapter[Object] = TypeAdapter(Object)


class _AnyStatus(HTTPErrorProcessor):
    """Hands an answer of any status over; urllib would raise those from 300 on."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002 - urllib's signature
        return response

    https_response = http_response


_OPENER = build_opener(_AnyStatus)


@dataclass(frozen=True)
class Web:
    """The web tier at `url`; `origin` says where the address was set."""

    url: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises `NotConfigured` where FAIRWAY_WEB_URL is no address."""
        url = settings.web_url.rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NotConfigured(f"FAIRWAY_WEB_URL is {url!r}, but must be like http://127.0.0.1:8000")
        return cls(url, origins(settings)["web_url"])

    def get(self, path: str, query: Mapping[str, str | int | None] | None = None, *, wait: float = 0.0) -> Object:
        """The JSON object at `path`; what is None in `query` is left out. `wait` seconds are the server's to use.

        Raises what a problem means as `refusal` says, `Away` where nobody answers, `TryAgain` where the answer takes
        too long, `Stop` where it isn't Fairway's.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._ask(path + (f"?{urlencode(given)}" if given else ""), wait)

    def post(self, path: str, body: object, headers: Mapping[str, str], *, wait: float = 0.0) -> Object:
        """As `get`, with `body` as JSON; `TryAgain` also where the connection broke before the answer: the outcome is unknown."""
        return self._ask(path, wait, to_json(body), {"Content-Type": "application/json", **headers})

    def _ask(self, path: str, wait: float, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Object:
        request = Request(self.url + path, body, dict(headers or {}))  # noqa: S310 - `of` lets no other scheme in
        try:
            with _OPENER.open(request, timeout=wait + ANSWER_TIMEOUT) as answer:
                status, text = answer.status, answer.read()
        except URLError as error:  # urllib wraps only what happened before the request was out
            raise Away(f"cannot reach the web tier at {self._address}: {_reason(error.reason)}. Start one here: fairway up") from None
        except (OSError, HTTPException) as error:
            raise self._unanswered(error, submitting=body is not None) from None
        found = self._read(status, text)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(status, found)
        return found

    def _read(self, status: int, text: bytes) -> Object:
        try:
            return _OBJECT.validate_json(text)
        except ValueError:
            raise Stop(f"{self._address} answered {status} without a JSON object: that is not Fairway's web tier") from None

    def _unanswered(self, error: Exception, *, submitting: bool) -> Stop:
        what = f"{self._address} " + ("did not answer in time" if isinstance(error, TimeoutError) else f"hung up ({_reason(error)})")
        if submitting:
            return TryAgain(f"{what}: the job may or may not have been accepted; fairway jobs may tell")
        return TryAgain(f"{what}; see how it is: {self.url}/readyz") if isinstance(error, TimeoutError) else Away(what)

    @property
    def _address(self) -> str:
        return f"{self.url} (FAIRWAY_WEB_URL, {self.origin})"


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def refusal(status: int, problem: Mapping[str, Any]) -> Stop:
    """A problem (RFC 9457) as the end of a command: its detail, and the path of each field that doesn't fit."""
    detail = problem.get("detail") or problem.get("title") or f"the web tier answered {status}"
    places = (
        f"{error['pointer'].removeprefix('#/')}: {error.get('detail')}" for error in problem.get("errors") or () if "pointer" in error
    )
    words = "; ".join([str(detail), *places])
    match status:
        case 400 | 413 | 415 | 422:
            return NotPossible(words)
        case 503 if problem.get("type") != "outcome_unknown":
            return Away(words)
        case 429 | 503 | 504:
            return TryAgain(words)
        case _:
            return Stop(words)
