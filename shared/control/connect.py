"""A connection of the control plane, to whichever of the broker's addresses answers first.

Not a robust one: what this package does is short enough to be done again, and the consumers of
a robust connection may stay away after a reconnect without a word.
"""

from __future__ import annotations

import logging
import os
import random
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError, InvalidFrameError

from shared.errors import BrokerDown
from shared.link.addresses import shown
from shared.link.capabilities import Capabilities
from shared.settings import Settings

DEADLINE = 10.0  # seconds to connect to one address (TCP, TLS and the AMQP handshake), and for each answer later

# What it says of a refused connection is in our error; without this, Python prints it on standard error as well.
logging.getLogger("aiormq").addHandler(logging.NullHandler())


@asynccontextmanager
async def connected(settings: Settings, role: str) -> AsyncGenerator[AbstractConnection, None]:
    """An open connection, named `fairway <role> host:pid` in RabbitMQ's admin UI, closed after the block.

    Raises `BrokerDown` with the reason of each address where none lets us in, and where the
    connection is lost or the broker is silent within the block.
    """
    connection = await _first(settings, f"fairway {role} {socket.gethostname()}:{os.getpid()}")
    try:
        async with connection:
            yield connection
    except (AMQPError, ConnectionError, TimeoutError) as error:
        raise BrokerDown(f"the connection to RabbitMQ was lost: {_words(error)}") from error


async def _first(settings: Settings, name: str) -> AbstractConnection:
    problems: list[str] = []
    for url in random.sample(settings.amqp_urls, len(settings.amqp_urls)):
        try:
            return await aio_pika.connect(
                url, timeout=DEADLINE, heartbeat=settings.heartbeat, client_properties={"connection_name": name, "product": "fairway"}
            )
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            problems.append(f"{shown(url)}: {_words(error)}")
    raise BrokerDown(f"no RabbitMQ of FAIRWAY_AMQP_URL lets us in: {'; '.join(problems)}")


def _words(error: BaseException) -> str:
    if isinstance(error, InvalidFrameError):  # aiormq drops the broker's own words when it refuses `connection.open`
        return "the broker hangs up: is the virtual host there, and may this user enter it?"
    return str(error) or type(error).__name__


def channel_of(connection: AbstractConnection) -> AbstractChannel:
    """A channel in confirm mode on which a returned message raises (aio-pika is silent about it by default)."""
    return connection.channel(publisher_confirms=True, on_return_raises=True)


def capabilities_of(connection: AbstractConnection) -> Capabilities:
    """What the broker at the other end can do."""
    if connection.transport is None:
        raise BrokerDown("the connection to RabbitMQ is closed")
    return Capabilities.of(connection.transport.connection.server_properties)
