"""Which RabbitMQ is used, and how it is started: one of a closed set, tried in one order, and said.

An address that is given (FAIRWAY_AMQP_URL) comes before all of these, and starts nothing; FAIRWAY_BROKER picks one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol, assert_never

from fairway.node.apt import has_apt
from fairway.node.config import NodeConfig
from fairway.node.docker import Container, docker_answers
from fairway.node.fetch import fetch
from fairway.node.installation import find_installed
from fairway.node.node import Node
from shared.errors import BrokerDown, FairwayError, NotConfigured

Say = Callable[[str], None]

NONE_LEFT = (
    "no RabbitMQ can be had here: none is installed, no Docker answers, and there is no apt to fetch one with. "
    "Install one (`brew install rabbitmq`, `dnf install rabbitmq-server`), or name yours: FAIRWAY_AMQP_URL=amqp://user:password@host:5672/"
)


class Kind(StrEnum):
    """The brokers that can be started, best first, by the names that FAIRWAY_BROKER takes."""

    PRIVATE = "private"
    DOCKER = "docker"
    FETCH = "fetch"


class Server(Protocol):
    """A broker that is ours to start and to stop. All of it blocks."""

    def start(self) -> NodeConfig: ...
    def running(self) -> NodeConfig | None: ...
    def stop(self) -> None: ...
    def purge(self) -> None: ...


def start(home: Path, environ: Mapping[str, str], say: Say) -> tuple[Server, NodeConfig]:
    """Start the best broker that can be had and say which; where it fails to start, the next one.

    Raises `NotConfigured` where there is none, and the last failure (`BrokerDown`) where none starts.
    """
    failure: FairwayError = NotConfigured(NONE_LEFT)
    for kind in candidates(environ.get("FAIRWAY_BROKER") or None, is_possible):
        others = "|".join(other for other in Kind if other != kind)
        say(f"RabbitMQ: {_means(kind)} (otherwise: FAIRWAY_BROKER={others}, or FAIRWAY_AMQP_URL=amqp://...)")
        found = server(kind, home, say)
        try:
            return found, found.start()
        except BrokerDown as error:
            say(f"RabbitMQ: this one does not start: {error}")
            failure = error
            found.stop()
    raise failure


def candidates(wanted: str | None, can: Callable[[Kind], bool]) -> Iterator[Kind]:
    """The kinds of broker that can be had here, best first; only the wanted one where one is wanted.

    Raises `NotConfigured` where FAIRWAY_BROKER names no kind, or one that can't be had.
    """
    if wanted is None:
        yield from filter(can, Kind)
    elif wanted not in Kind.__members__.values():
        raise NotConfigured(f"FAIRWAY_BROKER is {wanted!r}, but must be one of {', '.join(Kind)}")
    elif not can(Kind(wanted)):
        raise NotConfigured(f"FAIRWAY_BROKER is {wanted!r}, but there is no {_needs(Kind(wanted))} here")
    else:
        yield Kind(wanted)


def is_possible(kind: Kind) -> bool:
    """Whether this machine has what this kind of broker takes."""
    match kind:
        case Kind.PRIVATE:
            return find_installed() is not None
        case Kind.DOCKER:
            return docker_answers()
        case Kind.FETCH:
            return has_apt()
        case _:
            assert_never(kind)


def server(kind: Kind, home: Path, say: Say) -> Server:
    """The broker of this kind whose data lies in `home`; nothing is started yet."""
    match kind:
        case Kind.PRIVATE:
            return Node(home / "node")
        case Kind.DOCKER:
            return Container(home / "docker")
        case Kind.FETCH:
            return Node(home / "node", lambda: fetch(say))
        case _:
            assert_never(kind)


def existing(home: Path) -> list[Server]:
    """Every broker of ours that has data in `home`, running or not."""
    servers: list[Node | Container] = [Node(home / "node"), Container(home / "docker")]
    return [found for found in servers if found.home.exists()]


def _means(kind: Kind) -> str:
    match kind:
        case Kind.PRIVATE:
            return "a private node of the installed rabbitmq-server"
        case Kind.DOCKER:
            return "a Docker container"
        case Kind.FETCH:
            return "a private node of the distribution's own packages"
        case _:
            assert_never(kind)


def _needs(kind: Kind) -> str:
    match kind:
        case Kind.PRIVATE:
            return "rabbitmq-server with Erlang"
        case Kind.DOCKER:
            return "Docker daemon that answers"
        case Kind.FETCH:
            return "apt to fetch packages with"
        case _:
            assert_never(kind)
