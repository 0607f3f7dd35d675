"""The private node for real: it is alone, keeps its data over a restart, knows no guest, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity, ProbableAuthenticationError

from fairway.node.config import NodeConfig
from fairway.node.fetch import fetch
from fairway.node.installation import Installation, find_installed
from fairway.node.node import Node
from fairway.node.pidfile import PidFile
from shared.errors import BrokerDown
from tests.support.broker import Broker
from tests.support.sessions import sessions
from tests.support.until import until

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1, as /proc/net says them
LISTENS = "0A"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Generator[Node]:
    """A node of this file's own."""
    node = Node(tmp_path_factory.mktemp("node"), lambda: find_installed() or fetch(print))
    yield node
    node.purge()


@pytest.fixture
def running(node: Node) -> NodeConfig:
    """The node's addresses while it runs; whatever a test did to it, it is up again."""
    return node.start()


async def test_vhosts_of_one_node_do_not_meet(broker: Broker, fresh_broker: Broker) -> None:
    async with await aio_pika.connect(fresh_broker.amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("only-here", exclusive=True)
        async with await aio_pika.connect(broker.amqp_url) as other, other.channel() as elsewhere:
            with pytest.raises(ChannelNotFoundEntity):
                await elsewhere.declare_queue("only-here", passive=True)


async def test_a_connection_is_seen_and_cut_from_the_brokers_side(fresh_broker: Broker) -> None:
    connection = await aio_pika.connect(fresh_broker.amqp_url)
    cut = asyncio.Event()
    connection.close_callbacks.add(lambda *_: cut.set())
    await until(lambda: len(fresh_broker.connections()) == 1)
    fresh_broker.delete_connection(fresh_broker.connections()[0]["name"])
    async with asyncio.timeout(10):
        await cut.wait()


async def test_messages_stay_over_a_restart_on_the_same_ports(node: Node, running: NodeConfig) -> None:
    async with await aio_pika.connect(running.amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"here", delivery_mode=aio_pika.DeliveryMode.PERSISTENT), "kept")
    await asyncio.to_thread(node.stop)
    assert await asyncio.to_thread(node.start) == running
    async with await aio_pika.connect(running.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.get_queue("kept")
        message = await queue.get(timeout=10)
        assert message.body == b"here"


async def test_a_killed_node_is_started_anew_and_its_epmd_replaced(node: Node, running: NodeConfig) -> None:
    epmd = PidFile(node.home / "epmd.pid")
    before = epmd.pid()
    PidFile(node.home / "server.pid").kill()
    assert node.running() is None
    assert await asyncio.to_thread(node.start) == running
    assert epmd.pid() not in {before, None}


async def test_a_running_node_is_taken_over_not_doubled(node: Node, running: NodeConfig) -> None:
    pid = PidFile(node.home / "server.pid").pid()
    assert Node(node.home, _never).start() == running
    assert PidFile(node.home / "server.pid").pid() == pid


async def test_guest_may_not_enter(running: NodeConfig) -> None:
    url = urlsplit(running.amqp_url)._replace(netloc=f"guest:guest@127.0.0.1:{running.amqp}").geturl()
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(url)


def test_every_port_is_on_loopback(running: NodeConfig) -> None:
    ports = {running.amqp, running.management, running.prometheus, running.distribution, running.epmd}
    sockets = [line.split() for path in ("/proc/net/tcp", "/proc/net/tcp6") for line in Path(path).read_text().splitlines()[1:]]
    addresses = [words[1].split(":") for words in sockets if words[3] == LISTENS]
    ours = [(address, int(port, 16)) for address, port in addresses if int(port, 16) in ports]
    assert {port for _, port in ours} == ports
    assert {address for address, _ in ours} <= LOOPBACK


def test_a_stopped_node_leaves_no_process_behind(node: Node, running: NodeConfig) -> None:
    server, epmd = (PidFile(node.home / name).pid() for name in ("server.pid", "epmd.pid"))
    assert server is not None
    assert epmd is not None
    assert {server, epmd} <= sessions()
    node.stop()
    assert not {server, epmd} & sessions()
    assert running.with_free_ports() == running


def test_a_node_that_ends_while_it_starts_says_its_last_words(tmp_path: Path) -> None:
    script = tmp_path / "rabbitmq-server"
    script.write_text("#!/bin/sh\necho 'the disk is gone'\nexit 1\n")
    script.chmod(0o755)
    broken = Node(tmp_path / "home", lambda: Installation(script, path=(find_installed() or fetch(print)).path))
    with pytest.raises(BrokerDown, match="the disk is gone"):
        broken.start()
    broken.stop()


def _never() -> Installation:
    raise AssertionError("a running node needs no installation")
