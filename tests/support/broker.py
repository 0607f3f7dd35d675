"""The RabbitMQ of a test run: the one that FAIRWAY_AMQP_URL names, else a private node of the run's own.

Every run has a vhost for itself, so that runs beside each other on one node do not meet. Calls block for
milliseconds, but `stop`, `start` and `restart` for seconds: `await asyncio.to_thread(own_broker.restart)`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fairway.launch.broker import Server, existing, start
from fairway.node.pidfile import PidFile
from tests.support.management import Management

HOMES = "fairway-tests-"


class Broker:
    """A broker and one vhost of it: `amqp_url` leads into the vhost, `management_url` to the node."""

    def __init__(self, amqp_url: str, management_url: str, vhost: str, server: Server | None = None) -> None:
        self.vhost = vhost
        self.amqp_url = urlsplit(amqp_url)._replace(path=f"/{vhost}").geturl()
        self.management_url = management_url
        self.management = Management(management_url)
        self._server = server

    def connections(self) -> Sequence[dict[str, Any]]:
        """The open connections of the vhost, as the management API tells them (late)."""
        return self.management.connections(self.vhost)

    def delete_connection(self, name: str) -> None:
        """Have the broker close the connection that `connections` calls `name`."""
        self.management.delete_connection(name)

    @contextmanager
    def fresh_vhost(self) -> Generator[Broker]:
        """Another vhost of the same node, for as long as the block lasts."""
        with open_vhost(self.amqp_url, self.management_url, self._server) as broker:
            yield broker

    def stop(self) -> None:
        self._own().stop()

    def start(self) -> None:
        """Start the stopped node again and wait until it is ready: same ports, same data."""
        config = self._own().start()
        assert urlsplit(self.amqp_url).port == config.amqp, "the node came back on another port: somebody took its own"

    def restart(self) -> None:
        self.stop()
        self.start()

    def _own(self) -> Server:
        assert self._server is not None, "this broker belongs to others; take the fixture `own_broker` to stop or restart one"
        return self._server


@contextmanager
def open_vhost(amqp_url: str, management_url: str, server: Server | None = None) -> Generator[Broker]:
    """A new vhost on a running broker; it is deleted at the end, with all in it."""
    broker = Broker(amqp_url, management_url, f"test-{secrets.token_hex(4)}", server)
    broker.management.create_vhost(broker.vhost)
    try:
        yield broker
    finally:
        broker.management.delete_vhost(broker.vhost)
        broker.management.close()


@contextmanager
def given_broker() -> Generator[Broker]:
    """A vhost on the broker that FAIRWAY_AMQP_URL and FAIRWAY_MANAGEMENT_URL name (port 15672 where only the first does)."""
    amqp_url = os.environ["FAIRWAY_AMQP_URL"]
    parts = urlsplit(amqp_url)
    login = parts.netloc.rpartition("@")[0]
    guess = f"http://{login or 'guest:guest'}@{parts.hostname}:15672"
    with open_vhost(amqp_url, os.environ.get("FAIRWAY_MANAGEMENT_URL", guess)) as broker:
        yield broker


@contextmanager
def launched_broker() -> Generator[Broker]:
    """A broker of this run's own, had in the same way as by `fairway up`, in a temporary folder, purged at the end."""
    _purge_orphans()
    home = Path(tempfile.mkdtemp(prefix=HOMES))
    PidFile(home / "owner.pid").write(os.getpid())
    try:
        server, config = start(home, os.environ, print)
        with open_vhost(config.amqp_url, config.management_url, server) as broker:
            yield broker
    finally:
        _purge(home)


def _purge_orphans() -> None:
    """End the nodes of runs that were killed before they could."""
    for home in Path(tempfile.gettempdir()).glob(f"{HOMES}*"):
        owner = PidFile(home / "owner.pid")
        if owner.path.exists() and owner.pid() is None:
            _purge(home)


def _purge(home: Path) -> None:
    for server in existing(home):
        server.purge()
    shutil.rmtree(home, ignore_errors=True)
