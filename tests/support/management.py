"""The management API, as far as tests need it: vhosts to be alone in, and connections to look at and to cut.

Its figures lag by seconds (`facts` of a connection appear late), so wait for a condition, never for a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx2

EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}


class Management:
    """A client of the management API at `url`, whose credentials are in it and are those of an administrator."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.user = unquote(parts.username or "guest")
        self._http = httpx2.Client(
            base_url=f"{parts.scheme}://{parts.hostname}:{parts.port}/api/",
            auth=(self.user, unquote(parts.password or "guest")),
            timeout=10,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def create_vhost(self, name: str) -> None:
        self._call("PUT", f"vhosts/{quote(name, safe='')}")
        self._call("PUT", f"permissions/{quote(name, safe='')}/{quote(self.user, safe='')}", EVERYTHING)

    def delete_vhost(self, name: str) -> None:
        self._call("DELETE", f"vhosts/{quote(name, safe='')}")

    def connections(self, vhost: str) -> Sequence[dict[str, Any]]:
        """What the API says of each open connection of a vhost."""
        return list(self._call("GET", f"vhosts/{quote(vhost, safe='')}/connections").json())

    def delete_connection(self, name: str) -> None:
        """Close a connection from the broker's side; `name` as in `connections`."""
        self._call("DELETE", f"connections/{quote(name, safe='')}")

    def put_policy(self, vhost: str, name: str, pattern: str, apply_to: str, definition: Mapping[str, object]) -> None:
        """Lay a policy over the queues or exchanges of a vhost, as an operator may."""
        body = {"pattern": pattern, "apply-to": apply_to, "definition": definition}
        self._call("PUT", f"policies/{quote(vhost, safe='')}/{quote(name, safe='')}", body)

    def _call(self, verb: str, path: str, body: object = None) -> httpx2.Response:
        answer = self._http.request(verb, path, json=body)
        answer.raise_for_status()
        return answer
