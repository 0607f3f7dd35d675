"""The memory alarm of a node of the test's own: the broker stops reading from whoever publishes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from fairway.node.config import NodeConfig
from fairway.node.docker import Container
from fairway.node.files import environment
from fairway.node.node import Node
from tests.support.broker import Broker

SECONDS = 60.0


@contextmanager
def memory_alarm(broker: Broker) -> Iterator[None]:
    """The alarm is on when the block begins, and off when it ends (or before, by `calm`)."""
    rabbitmqctl(broker, "set_vm_memory_high_watermark", "absolute", "1")
    try:
        yield
    finally:
        calm(broker)


def calm(broker: Broker) -> None:
    """End the alarm."""
    rabbitmqctl(broker, "set_vm_memory_high_watermark", "0.4")


def rabbitmqctl(broker: Broker, *words: str) -> None:
    """Run `rabbitmqctl` on the broker's own node."""
    server = broker._own()  # noqa: SLF001
    match server:
        case Node():
            config, installation = NodeConfig.load(server.home), server._find()  # noqa: SLF001
            assert config is not None
            command = [str(installation.server.with_name("rabbitmqctl")), *words]
            env = environment(config, installation, server.home, os.environ)
        case Container():
            command, env = ["docker", "exec", server.name, "rabbitmqctl", *words], dict(os.environ)
        case _:
            raise AssertionError(f"no way to reach {server!r}")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
