"""What `fairway up` asks of its web tier: is it ready, who is attached, how many jobs run."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from shared.errors import NotConfigured

PATIENCE = 5.0
PAUSE = 0.1


class Web:
    """The web tier on a port of this machine."""

    def __init__(self, host: str, port: int) -> None:
        # It may listen on all addresses; for a person, and for us, it is the loopback then.
        self.host = "127.0.0.1" if host in {"", "0.0.0.0"} else host  # noqa: S104
        self.port = port
        self.url = f"http://{self.host}:{port}"

    def must_be_free(self) -> None:
        """Raises `NotConfigured` where somebody else listens on the port."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise NotConfigured(
                    f"FAIRWAY_WEB_PORT: {self.url} can't be listened on ({error}); try FAIRWAY_WEB_PORT={self.port + 1}"
                ) from error

    async def until_attended(self, workers: Iterable[str]) -> None:
        """Wait until the web tier is ready and sees each of these workers; without an end."""
        wanted = set(workers)
        while not (await self._is_ready() and wanted <= await self._names()):  # noqa: ASYNC110 - another process has to be asked
            await asyncio.sleep(PAUSE)

    async def running(self) -> int:
        """How many jobs run now in all workers; 0 where the web tier doesn't answer."""
        return sum(worker["in_flight"] for worker in await self._workers())

    async def _workers(self) -> list[dict[str, Any]]:
        status, body = await asyncio.to_thread(self._get, "/v1/workers")
        return json.loads(body)["items"] if status == HTTPStatus.OK else []

    async def _names(self) -> set[str]:
        return {worker["name"] for worker in await self._workers()}

    async def _is_ready(self) -> bool:
        status, _ = await asyncio.to_thread(self._get, "/readyz")
        return status == HTTPStatus.OK

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            connection.close()
