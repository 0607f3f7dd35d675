"""The private node itself: epmd and RabbitMQ as two processes of ours, started, awaited, stopped.

Both lead sessions of their own, so that Ctrl-C on a terminal doesn't reach them before whoever started them has
stopped what uses them. A node that a killed launcher left running is taken over, not doubled.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fairway.node.config import LOOPBACK, NodeConfig, write_private
from fairway.node.files import PLUGINS, environment, rabbitmq_conf
from fairway.node.installation import Installation
from fairway.node.process import PAUSE, PidFile
from fairway.node.ready import is_ready
from shared.errors import BrokerDown

START_LIMIT = 60.0
STOP_LIMIT = 30.0


class Node:
    """A private node whose data lives in the folder `home`. `start` and `stop` block."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self.installation = installation
        self.home = home.absolute()
        self.server = PidFile(self.home / "server.pid")
        self.epmd = PidFile(self.home / "epmd.pid")

    @property
    def console(self) -> Path:
        return self.home / "log" / "console.log"

    def running(self) -> NodeConfig | None:
        """The node's ports and credentials while it runs, else None."""
        return NodeConfig.load(self.home) if self.server.pid() is not None else None

    def start(self) -> NodeConfig:
        """Start the node, or take over the running one, and wait until it is ready.

        Ports and credentials are those of its last run; ports that somebody else took since are replaced.
        Raises `BrokerDown` with the last lines of its log where it ends or isn't ready within a minute.
        """
        config = self.running() or self._launch()
        deadline = time.monotonic() + START_LIMIT
        while not is_ready(config):
            if self.server.pid() is None:
                raise BrokerDown(f"the private RabbitMQ node ended while it started; {self._last_words()}")
            if time.monotonic() > deadline:
                raise BrokerDown(f"the private RabbitMQ node is not ready after {START_LIMIT:.0f} s; {self._last_words()}")
            time.sleep(PAUSE)
        return config

    def stop(self) -> None:
        """Stop RabbitMQ, then its epmd; what isn't running is passed over."""
        self.server.end(STOP_LIMIT)
        self.epmd.end(STOP_LIMIT)

    def purge(self) -> None:
        """End the node at once and remove all its data."""
        for process in (self.server, self.epmd):
            process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _launch(self) -> NodeConfig:
        self.stop()  # an epmd that outlived its node holds the port
        (self.home / "log").mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        config = (NodeConfig.load(self.home) or NodeConfig.generate()).with_free_ports()
        config.save(self.home)
        write_private(self.home / "rabbitmq.conf", rabbitmq_conf(config))
        write_private(self.home / "enabled_plugins", PLUGINS)
        env = environment(config, self.installation, self.home, os.environ)
        self._spawn(self.epmd, ["epmd", "-port", str(config.epmd), "-address", LOOPBACK], env)
        _await(lambda: _listens(config.epmd), "epmd does not listen")
        self._spawn(self.server, [str(self.installation.server)], env)
        return config

    def _spawn(self, pid_file: PidFile, command: list[str], env: dict[str, str]) -> None:
        program = shutil.which(command[0], path=env["PATH"])
        if program is None:
            raise BrokerDown(f"{command[0]} is not to be found; it is a part of Erlang, which RabbitMQ needs")
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                [program, *command[1:]], env=env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        pid_file.write(process.pid)

    def _last_words(self) -> str:
        lines = self.console.read_text(errors="replace").split("\n") if self.console.exists() else []
        return f"its log ({self.console}) ends with:\n" + "\n".join(line for line in lines if line.strip())[-2000:]


def _await(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        if time.monotonic() > deadline:
            raise BrokerDown(otherwise)
        time.sleep(PAUSE)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
