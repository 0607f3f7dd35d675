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
from collections.abc import Callable, Mapping
from pathlib import Path

from fairway.node.config import LOOPBACK, NodeConfig, write_private
from fairway.node.files import PLUGINS, environment, rabbitmq_conf
from fairway.node.installation import Installation, installed
from fairway.node.pidfile import PAUSE, PidFile
from fairway.node.ready import wait_until_ready
from shared.errors import BrokerDown

EPMD_LIMIT = 10.0
PORTS_LIMIT = 3.0
STOP_LIMIT = 30.0
LAST_WORDS = 2000  # characters


class Node:
    """A private node whose data lives in the folder `home`. `start` and `stop` block.

    `find` says which RabbitMQ is to be started; it is asked only then.
    """

    def __init__(self, home: Path, find: Callable[[], Installation] = installed) -> None:
        self.home = home.absolute()
        self._find = find
        self._console = self.home / "log" / "console.log"
        self._server = PidFile(self.home / "server.pid")
        self._epmd = PidFile(self.home / "epmd.pid")

    def running(self) -> NodeConfig | None:
        """The node's ports and credentials while it runs, else None."""
        return NodeConfig.load(self.home) if self._server.pid() is not None else None

    def start(self) -> NodeConfig:
        """Start the node, or take over the running one, and wait until it is ready.

        Ports and credentials are those of its last run; where somebody else took a port since, all are replaced.
        Raises `BrokerDown` with the last lines of its log where it ends or isn't ready within a minute.
        """
        config = self.running() or self._launch(self._find())
        wait_until_ready(config, alive=lambda: self._server.pid() is not None, log=self._last_words)
        return config

    def stop(self) -> None:
        """Stop RabbitMQ, then its epmd; what isn't running is passed over."""
        self._server.end(STOP_LIMIT)
        self._epmd.end(STOP_LIMIT)

    def purge(self) -> None:
        """End the node at once and remove all its data."""
        self._server.kill()
        self._epmd.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _launch(self, installation: Installation) -> NodeConfig:
        self.stop()  # an epmd that outlived its node holds the port
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._console.parent.mkdir(exist_ok=True)
        config = _with_ports(NodeConfig.load(self.home) or NodeConfig.generate())
        config.save(self.home)
        write_private(self.home / "rabbitmq.conf", rabbitmq_conf(config))
        write_private(self.home / "enabled_plugins", PLUGINS)
        env = environment(config, installation, self.home, os.environ)
        self._spawn(self._epmd, ["epmd", "-port", str(config.epmd), "-address", LOOPBACK], env)
        self._wait_for_epmd(config.epmd)
        self._spawn(self._server, [str(installation.server)], env)
        return config

    def _spawn(self, pidfile: PidFile, command: list[str], env: Mapping[str, str]) -> None:
        program = shutil.which(command[0], path=env["PATH"])
        if program is None:
            raise BrokerDown(f"{command[0]} is not to be found; it is a part of Erlang, which RabbitMQ needs")
        with self._console.open("ab") as console:
            process = subprocess.Popen(
                [program, *command[1:]],
                env=env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        pidfile.write(process.pid)

    def _wait_for_epmd(self, port: int) -> None:
        """Else RabbitMQ would start an epmd itself, as a daemon that nobody stops."""
        deadline = time.monotonic() + EPMD_LIMIT
        while not _listens(port):
            if time.monotonic() > deadline:
                raise BrokerDown(f"epmd does not listen on port {port}; {self._last_words()}")
            time.sleep(PAUSE)

    def _last_words(self) -> str:
        text = self._console.read_text(errors="replace") if self._console.exists() else ""
        lines = [line for line in text[-LAST_WORDS:].splitlines() if line.strip()]
        return "\n".join([f"its log ({self._console}) ends with:", *lines])


def _with_ports(config: NodeConfig) -> NodeConfig:
    """The config on free ports. A node that was killed a moment ago may still hold its own: they are waited for."""
    deadline = time.monotonic() + PORTS_LIMIT
    while (found := config.with_free_ports()) != config and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
