"""What is fixed once for a node and kept in its home: ports and credentials.

Ports are taken from below the range that the kernel gives to outgoing connections: a client which
keeps dialling a stopped node could otherwise be given the node's own port, and the node could not come back.
"""

from __future__ import annotations

import json
import random
import secrets
import socket
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Self, TypedDict

LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 30_000)
NAME = "node.json"


class _Ports(TypedDict):
    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Ports of a node, all on loopback, and its one user, an administrator."""

    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int
    user: str
    password: str

    @property
    def amqp_url(self) -> str:
        return f"amqp://{self.user}:{self.password}@{LOOPBACK}:{self.amqp}/%2F"

    @property
    def management_url(self) -> str:
        """Address of the management API and UI, with the credentials in it."""
        return f"http://{self.user}:{self.password}@{LOOPBACK}:{self.management}"

    @classmethod
    def generate(cls) -> Self:
        return cls(**_free_ports(), user="fairway", password=secrets.token_urlsafe(18))

    @classmethod
    def load(cls, home: Path) -> Self | None:
        """What the node in `home` was made with; None where there is none or it can't be read."""
        try:
            found = json.loads((home / NAME).read_text())
            return cls(**{field.name: found[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, home: Path) -> None:
        write_private(home / NAME, json.dumps(asdict(self), indent=2) + "\n")

    def with_free_ports(self) -> Self:
        """The same node on ports that nobody listens on: these, or all new where one is taken."""
        if all(_is_free(port) for port in (self.amqp, self.management, self.prometheus, self.distribution, self.epmd)):
            return self
        return replace(self, **_free_ports())


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def _free_ports() -> _Ports:
    free = (port for port in random.sample(PORTS, len(PORTS)) if _is_free(port))
    return _Ports(amqp=next(free), management=next(free), prometheus=next(free), distribution=next(free), epmd=next(free))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
