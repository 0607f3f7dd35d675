"""When is a node ready? When its AMQP port greets and its management API takes the login.

Deliberately without an AMQP library: the greeting (`connection.start`, a method frame) is all that is looked at.
"""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from fairway.node.config import LOOPBACK, NodeConfig
from shared.errors import BrokerDown

LIMIT = 60.0
PATIENCE = 2.0
PAUSE = 0.05
AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


def wait_until_ready(config: NodeConfig, alive: Callable[[], bool], log: Callable[[], str]) -> None:
    """Block until the node is ready, at most a minute.

    Raises `BrokerDown` with the last words of its `log` where it is no longer `alive`, or the minute is over.
    """
    deadline = time.monotonic() + LIMIT
    while not is_ready(config):
        if not alive():
            raise BrokerDown(f"RabbitMQ ended while it started; {log()}")
        if time.monotonic() > deadline:
            raise BrokerDown(f"RabbitMQ is not ready after {LIMIT:.0f} s; {log()}")
        time.sleep(PAUSE)


def is_ready(config: NodeConfig) -> bool:
    """Whether AMQP and the management API of the node both answer."""
    return greets(config.amqp) and _takes_login(config)


def greets(port: int) -> bool:
    """Whether an AMQP broker answers on a port of this machine's loopback."""
    try:
        with socket.create_connection((LOOPBACK, port), PATIENCE) as connection:
            connection.sendall(AMQP_0_9_1)
            return connection.recv(1) == METHOD_FRAME
    except OSError:
        return False


def _takes_login(config: NodeConfig) -> bool:
    token = base64.b64encode(f"{config.user}:{config.password}".encode()).decode()
    connection = HTTPConnection(LOOPBACK, config.management, timeout=PATIENCE)
    try:
        connection.request("GET", "/api/whoami", headers={"Authorization": f"Basic {token}"})
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
