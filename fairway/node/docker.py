"""RabbitMQ as a container, for machines that have Docker but no `rabbitmq-server`.

The same contract as `Node`: ports on loopback, a user of its own, data that stays (in a named volume) until `purge`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fairway.node.config import LOOPBACK, NodeConfig
from fairway.node.ready import wait_until_ready
from shared.errors import BrokerDown

IMAGE = "rabbitmq:4-management"
ANSWER_LIMIT = 10.0
RUN_LIMIT = 600.0  # the image is pulled in this time
STOP_LIMIT = 30


def docker_answers() -> bool:
    """Whether a Docker daemon can be used from here."""
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=ANSWER_LIMIT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Container:
    """The container of the folder `home`, which keeps its ports and credentials. `start` and `stop` block."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.name = "fairway-" + hashlib.sha256(str(self.home).encode()).hexdigest()[:10]

    def start(self) -> NodeConfig:
        """Start the container, or take over the running one, and wait until it is ready.

        Raises `BrokerDown` with Docker's own words where it can't be started or isn't ready within a minute.
        """
        config = self.running() or self._run(NodeConfig.load(self.home) or NodeConfig.generate())
        wait_until_ready(config, alive=self._runs, log=lambda: f"see `docker logs {self.name}`")
        return config

    def running(self) -> NodeConfig | None:
        """The container's ports and credentials while it runs, else None."""
        return NodeConfig.load(self.home) if self._runs() else None

    def stop(self) -> None:
        """Stop and remove the container; its data stays in the volume."""
        if self._runs():
            _docker("stop", "--time", str(STOP_LIMIT), self.name)

    def purge(self) -> None:
        """Remove the container and its data."""
        if docker_answers():
            _docker("rm", "--force", "--volumes", self.name, check=False)
            _docker("volume", "rm", "--force", self.name)
        shutil.rmtree(self.home, ignore_errors=True)

    def _runs(self) -> bool:
        return docker_answers() and bool(_docker("ps", "--quiet", "--filter", f"name=^{self.name}$"))

    def _run(self, wanted: NodeConfig) -> NodeConfig:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = wanted.with_free_ports()
        config.save(self.home)
        options = ["--detach", "--rm", "--name", self.name, "--hostname", "fairway", "--volume", f"{self.name}:/var/lib/rabbitmq"]
        ports = [f"--publish={LOOPBACK}:{config.amqp}:5672", f"--publish={LOOPBACK}:{config.management}:15672"]
        login = {"RABBITMQ_DEFAULT_USER": config.user, "RABBITMQ_DEFAULT_PASS": config.password}
        # Only the names on the command line, which everybody on the machine can read.
        names = [f"--env={name}" for name in login]
        _docker("run", *options, *ports, *names, IMAGE, env=login)
        return config


def _docker(*arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=RUN_LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerDown(f"`docker {arguments[0]}` did not end within {RUN_LIMIT:.0f} s") from error
    if check and done.returncode != 0:
        raise BrokerDown(f"`docker {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout.strip()
