"""The RabbitMQ of a test run: the one that FAIRWAY_AMQP_URL names, else a private node of the run's own.

Every run has a vhost for itself, so that runs beside each other on one node do not meet. Calls block for
milliseconds, but `stop`, `start` and `restart` for seconds: `await asyncio.to_thread(own_broker.restart)`.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fairway.node.installation import installed
from fairway.node.node import Node
from fairway.node.process import PidFile
from tests.support.management import Management

HOMES = "fairway-tests-"


class Broker:
    """A broker and one vhost of it: `amqp_url` leads into the vhost, `management_url` to the node."""

    def __init__(self, amqp_url: str, management_url: str, vhost: str, node: Node | None = None) -> None:
        self.vhost = vhost
        self.amqp_url = urlsplit(amqp_url)._replace(path=f"/{vhost}").geturl()
        self.management_url = management_url
        self.management = Management(management_url)
        self._node = node

    def connections(self) -> Sequence[dict[str, Any]]:
        """The open connections of the vhost, as the management API tells them (late)."""
        return self.management.connections(self.vhost)

    def delete_connection(self, name: str) -> None:
        """Have the broker close the connection that `connections` calls `name`."""
        self.management.delete_connection(name)

    @contextmanager
    def fresh_vhost(self) -> Iterator[Broker]:
        """Another vhost of the same node, for as long as the block lasts."""
        with open_vhost(self.amqp_url, self.management_url, self._node) as broker:
            yield broker

    @property
    def node(self) -> Node:
        """The node, to be stopped and started; only a node that this run started may be."""
        assert self._node is not None, "this broker belongs to others; take the fixture `own_broker` to stop or restart one"
        return self._node

    def stop(self) -> None:
        self.node.stop()

    def start(self) -> None:
        """Start the stopped node again and wait until it is ready: same ports, same data."""
        config = self.node.start()
        assert urlsplit(self.amqp_url).port == config.amqp, "the node came back on another port: somebody took its own"

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def open_vhost(amqp_url: str, management_url: str, node: Node | None = None) -> Iterator[Broker]:
    """A new vhost on a running broker; it is deleted at the end, with all in it."""
    broker = Broker(amqp_url, management_url, f"test-{secrets.token_hex(4)}", node)
    broker.management.create_vhost(broker.vhost)
    try:
        yield broker
    finally:
        broker.management.delete_vhost(broker.vhost)
        broker.management.close()


@contextmanager
def given_broker() -> Iterator[Broker]:
    """A vhost on the broker that FAIRWAY_AMQP_URL and FAIRWAY_MANAGEMENT_URL name (port 15672 where only the first does)."""
    amqp_url = os.environ["FAIRWAY_AMQP_URL"]
    parts = urlsplit(amqp_url)
    login = parts.netloc.rpartition("@")[0]
    guess = f"http://{login or 'guest:guest'}@{parts.hostname}:15672"
    with open_vhost(amqp_url, os.environ.get("FAIRWAY_MANAGEMENT_URL", guess)) as broker:
        yield broker


@contextmanager
def launched_broker() -> Iterator[Broker]:
    """A private node of this run's own in a temporary folder, purged at the end."""
    installation = installed()
    assert installation is not None, "no rabbitmq-server is installed, and FAIRWAY_AMQP_URL names no broker"
    _purge_orphans()
    home = Path(tempfile.mkdtemp(prefix=HOMES))
    PidFile(home / "owner.pid").write(os.getpid())
    node = Node(installation, home)
    try:
        config = node.start()
        with open_vhost(config.amqp_url, config.management_url, node) as broker:
            yield broker
    finally:
        node.purge()


def _purge_orphans() -> None:
    """End the nodes of runs that were killed before they could."""
    for home in Path(tempfile.gettempdir()).glob(f"{HOMES}*"):
        installation, owner = installed(), PidFile(home / "owner.pid")
        if installation and owner.path.exists() and owner.pid() is None:
            Node(installation, home).purge()
