"""One web replica as a process: uvicorn around the app, and an end in good order.

On SIGTERM or SIGINT: accept no more connections, let those go who wait for a job, finish the requests in
hand, then the app ends (keeper, Link, records; see `tier`). A second signal doesn't wait for requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
from collections.abc import Generator

import uvicorn

from producer.web.app import WebApp, create_app
from shared.collector import settle_collector
from shared.errors import NotConfigured
from shared.log import Logger
from shared.settings import Settings

log = Logger()

BACKLOG = 2048
KEEP_ALIVE = 75  # seconds; longer than a proxy keeps an idle connection, so that it is the proxy who closes it


class Server(uvicorn.Server):
    """A uvicorn server that knows who waits in its app, and ends by signals without dying of them."""

    def __init__(self, config: uvicorn.Config, app: WebApp) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("web.ready", url=_url(sockets or []), replica=self._app.tier.replica)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.tier.waiting.finish()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals set flags here; uvicorn would raise them again at the end, and the process would end as killed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told)
        yield

    def _told(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(settings: Settings) -> int:
    """Run a web replica until it is told to stop; returns its exit code, 0 after an end in good order. Raises `NotConfigured`."""
    app = create_app(settings)
    listener = listening(settings.web_host, settings.web_port)
    settle_collector()
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.grace),
    )
    server = Server(config, app)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([listener]))
    log.info("web.stopped", replica=app.tier.replica)
    return 0 if server.started and not server.force_exit else 1


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises `NotConfigured` where it can't be had."""
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise NotConfigured(f"FAIRWAY_WEB_HOST, FAIRWAY_WEB_PORT: {host}:{port} can't be listened on: {error.strerror}") from error


def _url(sockets: list[socket.socket]) -> str:
    host, port = sockets[0].getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
