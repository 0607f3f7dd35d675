"""Which RabbitMQ is used, and how it is started: one of a closed set, chosen in one order, and said.

An address that is given (FAIRWAY_AMQP_URL) comes before all of these, and starts nothing; FAIRWAY_BROKER picks another one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Protocol, assert_never, get_args

from fairway.node.apt import has_apt
from fairway.node.config import NodeConfig
from fairway.node.docker import Container, docker_answers
from fairway.node.fetch import fetch
from fairway.node.installation import find_installed
from fairway.node.node import Node
from shared.errors import BrokerDown, FairwayError, NotConfigured

Kind = Literal["private", "docker", "fetch"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FOLDERS: Mapping[Kind, str] = {"private": "node", "docker": "docker"}  # what is fetched keeps its data where an installed one does
Say = Callable[[str], None]

NONE_LEFT = (
    "no RabbitMQ can be had here: none is installed, no Docker answers, and there is no apt to fetch one with. "
    "Install one (`brew install rabbitmq`, `dnf install rabbitmq-server`), or name yours: FAIRWAY_AMQP_URL=amqp://user:password@host:5672/"
)


class Server(Protocol):
    """A broker that is ours to start and to stop. All three block."""

    def start(self) -> NodeConfig: ...
    def stop(self) -> None: ...
    def purge(self) -> None: ...


def candidates(wanted: str | None, can: Callable[[Kind], bool]) -> Iterator[Kind]:
    """The kinds of broker that can be had here, best first; only the wanted one where one is wanted.

    Raises `NotConfigured` where FAIRWAY_BROKER names no kind, or one that can't be had.
    """
    if wanted is None:
        yield from filter(can, KINDS)
        return
    kind = next((kind for kind in KINDS if kind == wanted), None)
    if kind is None:
        raise NotConfigured(f"FAIRWAY_BROKER is {wanted!r}, but must be one of {', '.join(KINDS)}")
    if not can(kind):
        raise NotConfigured(f"FAIRWAY_BROKER is {kind!r}, but there is no {_means(kind)} here")
    yield kind


def is_possible(kind: Kind) -> bool:
    """Whether this machine has what this kind of broker takes."""
    match kind:
        case "private":
            return find_installed() is not None
        case "docker":
            return docker_answers()
        case "fetch":
            return has_apt()
        case _:
            assert_never(kind)


def server(kind: Kind, home: Path, say: Say) -> Server:
    """The broker of this kind whose data lies in `home`; nothing is started yet."""
    match kind:
        case "private":
            return Node(home / FOLDERS["private"])
        case "docker":
            return Container(home / FOLDERS["docker"])
        case "fetch":
            return Node(home / FOLDERS["private"], lambda: fetch(say))
        case _:
            assert_never(kind)


def existing(home: Path) -> list[Server]:
    """Every broker of ours that has data in `home`, running or not."""
    return [server(kind, home, lambda _: None) for kind, folder in FOLDERS.items() if (home / folder).exists()]


def start(home: Path, environ: Mapping[str, str], say: Say) -> tuple[Server, NodeConfig]:
    """Start the best broker that can be had and say which; where it fails to start, the next one.

    Raises `NotConfigured` where there is none, and the last failure (`BrokerDown`) where none starts.
    """
    failure: FairwayError = NotConfigured(NONE_LEFT)
    for kind in candidates(environ.get("FAIRWAY_BROKER") or None, is_possible):
        others = "|".join(other for other in KINDS if other != kind)
        say(f"RabbitMQ: {_means(kind)} (otherwise: FAIRWAY_BROKER={others}, or FAIRWAY_AMQP_URL=amqp://...)")
        found = server(kind, home, say)
        try:
            return found, found.start()
        except BrokerDown as error:
            say(f"RabbitMQ: this one does not start: {error}")
            failure = error
            found.stop()
    raise failure


def _means(kind: Kind) -> str:
    match kind:
        case "private":
            return "a private node of the installed rabbitmq-server"
        case "docker":
            return "a Docker container"
        case "fetch":
            return "a private node of the distribution's packages, fetched into a cache by apt"
        case _:
            assert_never(kind)
