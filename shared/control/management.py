"""RabbitMQ's management API, read only, with an operator's credentials: never used by web or workers."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from shared.errors import BrokerDown, NotConfigured

TIMEOUT = 10.0  # seconds for one answer


class Management:
    """The API at `url`, which holds the credentials (`http://user:password@host:15672`).

    Raises `NotConfigured` where the URL isn't one.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NotConfigured("FAIRWAY_MANAGEMENT_URL must have the form http://user:password@host:15672")
        host = parts.netloc.rpartition("@")[2]
        self._base = f"{parts.scheme}://{host}{parts.path}/api"
        login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
        self._login = f"Basic {b64encode(login.encode()).decode()}"
        self._opener = build_opener(ProxyHandler({}))

    def get(self, *path: str) -> Any | None:
        """What the API has at `path` (its parts unquoted); None where there is nothing. Blocks.

        Raises `NotConfigured` where the login isn't allowed to read this, `BrokerDown` where the
        API can't be reached or fails.
        """
        address = "/".join((self._base, *(quote(part, safe="") for part in path)))
        request = Request(address)  # noqa: S310 - the scheme is checked
        request.add_unredirected_header("Authorization", self._login)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                _raise_unless_absent(error, address)
            return None
        except (URLError, OSError, ValueError) as error:
            raise BrokerDown(f"the management API at {self._base} (FAIRWAY_MANAGEMENT_URL) can't be read: {error}") from error


def _raise_unless_absent(error: HTTPError, address: str) -> None:
    match error.code:
        case 404:
            return
        case 401 | 403:
            raise NotConfigured(f"the login of FAIRWAY_MANAGEMENT_URL may not read {address}: {error.reason}") from error
        case _:
            raise BrokerDown(f"{address} answered {error.code}: {error.reason}") from error
