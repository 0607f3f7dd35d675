"""RabbitMQ of `fairway up` is started again when it ends by itself, and only then."""

from __future__ import annotations

from fairway.launch.guard import guarded
from fairway.node.config import NodeConfig
from shared.errors import BrokerDown, NotConfigured
from tests.support.until import until

CONFIG = NodeConfig(amqp=1, management=2, prometheus=3, distribution=4, epmd=5, user="fairway", password="secret")


class Frail:
    """A server that runs or not, and whose next starts fail as often as it is told."""

    def __init__(self) -> None:
        self.up = True
        self.failures: list[Exception] = []
        self.calls: list[str] = []

    def running(self) -> NodeConfig | None:
        return CONFIG if self.up else None

    def start(self) -> NodeConfig:
        self.calls.append("start")
        if self.failures:
            raise self.failures.pop(0)
        self.up = True
        return CONFIG

    def stop(self) -> None:
        self.calls.append("stop")
        self.up = False

    def purge(self) -> None:
        self.calls.append("purge")


async def test_a_server_that_runs_is_left_alone_and_stopped_at_the_end() -> None:
    server, said = Frail(), list[str]()
    async with guarded(server, said.append, look_every=0.0):
        pass
    assert server.calls == ["stop"]
    assert said == ["stopping RabbitMQ"]


async def test_a_server_that_ended_is_started_until_it_runs() -> None:
    server, said = Frail(), list[str]()
    async with guarded(server, said.append, look_every=0.001):
        server.failures, server.up = [BrokerDown("no memory"), NotConfigured("it was removed"), OSError("disk full")], False
        await until(lambda: server.up)
    assert server.calls == [*["start"] * 4, "stop"]
    assert said == [
        "RabbitMQ ended unexpectedly; starting it again",
        "RabbitMQ does not start: no memory",
        "RabbitMQ ended unexpectedly; starting it again",
        "RabbitMQ does not start: it was removed",
        "RabbitMQ ended unexpectedly; starting it again",
        "RabbitMQ does not start: disk full",
        "RabbitMQ ended unexpectedly; starting it again",
        "stopping RabbitMQ",
    ]
