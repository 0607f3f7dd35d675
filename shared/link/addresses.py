"""Where the broker may be: every address of every URL, resolved anew for each try, in random order."""

from __future__ import annotations

import asyncio
import copy
import random
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import pika
from pika.connection import Parameters, URLParameters

from shared.errors import BrokerDown, NotConfigured

SETUP = 10.0  # seconds for TCP, and again for the AMQP handshake


def parameters_of(url: str, *, heartbeat: int, name: str) -> URLParameters:
    """The parameters that pika takes for one URL. `heartbeat` in seconds; `name` is shown in RabbitMQ's admin UI.

    Raises `NotConfigured` where the URL isn't one.
    """
    try:
        parameters = URLParameters(url)
    except (ValueError, TypeError):  # whose words may quote the password
        raise NotConfigured(f"FAIRWAY_AMQP_URL: {shown(url)} is no AMQP address (a password's special characters as %xx)") from None
    parameters.heartbeat = heartbeat
    parameters.client_properties = {"connection_name": name, "product": "fairway"}
    parameters.connection_attempts = 1
    parameters.socket_timeout = SETUP
    parameters.stack_timeout = SETUP
    # A dead peer is noticed by TCP too, when data is under way (Linux; milliseconds).
    parameters.tcp_options = {"TCP_USER_TIMEOUT": heartbeat * 2000} if hasattr(socket, "TCP_USER_TIMEOUT") else {}
    if parameters.ssl_options is not None and parameters.ssl_options.server_hostname is None:
        parameters.ssl_options = pika.SSLOptions(parameters.ssl_options.context, parameters.host)
    return parameters


async def resolve(choices: Sequence[URLParameters]) -> list[Parameters]:
    """One set of parameters for each address that the hosts have now, shuffled.

    Raises `BrokerDown` where none of the names resolves.
    """
    loop = asyncio.get_running_loop()
    found: list[Parameters] = []
    problem = "no address"
    for parameters in choices:
        try:
            infos = await loop.getaddrinfo(parameters.host, parameters.port, type=socket.SOCK_STREAM)
        except OSError as error:
            problem = f"{parameters.host}: {error.strerror or error}"
            continue
        for host in dict.fromkeys(str(info[4][0]) for info in infos):
            one = copy.copy(parameters)
            one.host = host
            found.append(one)
    if not found:
        raise BrokerDown(problem)
    random.shuffle(found)
    return found


def shown(url: str) -> str:
    """A URL without its password, for logs and errors."""
    parts = urlsplit(url.strip())
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a password with a '#' or '/' in it is taken for the port
        return f"{parts.scheme}://..."
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"
