"""When is a node ready? When its AMQP port greets and its management API takes the login.

Deliberately without an AMQP library: the greeting (`connection.start`, a method frame) is all that is looked at.
"""

from __future__ import annotations

import base64
import socket
import urllib.error
import urllib.request

from fairway.node.config import LOOPBACK, NodeConfig

PATIENCE = 2.0
AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


def is_ready(config: NodeConfig) -> bool:
    return _greets(config.amqp) and _takes_login(config)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), PATIENCE) as connection:
            connection.sendall(AMQP_0_9_1)
            return connection.recv(1) == METHOD_FRAME
    except OSError:
        return False


def _takes_login(config: NodeConfig) -> bool:
    token = base64.b64encode(f"{config.user}:{config.password}".encode()).decode()
    request = urllib.request.Request(f"{config.admin_ui}/api/whoami", headers={"Authorization": f"Basic {token}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
