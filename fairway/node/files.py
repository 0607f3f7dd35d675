"""The node's configuration as RabbitMQ reads it: pure functions from a `NodeConfig` to files and environment.

The names are those of RabbitMQ's configuration guide and of its `rabbitmq-env` script; the user is made at the
first boot in the place of `guest`, so no guest ever exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairway.node.config import LOOPBACK, NodeConfig
from fairway.node.installation import Installation

PLUGINS = "[rabbitmq_management,rabbitmq_prometheus].\n"
INHERITED = ("LANG", "LC_ALL", "TMPDIR", "TERM")


def rabbitmq_conf(config: NodeConfig) -> str:
    """`rabbitmq.conf`: every listener on loopback, one administrator, no guest."""
    return f"""\
listeners.tcp.1 = {LOOPBACK}:{config.amqp}
management.tcp.ip = {LOOPBACK}
management.tcp.port = {config.management}
prometheus.tcp.ip = {LOOPBACK}
prometheus.tcp.port = {config.prometheus}
default_user = {config.user}
default_pass = {config.password}
default_user_tags.administrator = true
"""


def environment(config: NodeConfig, installation: Installation, home: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the node's processes; of the `machine`'s only what is harmless."""
    path = [*map(str, installation.path), machine.get("PATH", ""), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
    env = {name: machine[name] for name in INHERITED if name in machine}
    if installation.libraries:
        env["LD_LIBRARY_PATH"] = ":".join(map(str, installation.libraries))
    return env | {
        "PATH": ":".join(filter(None, path)),
        "HOME": str(home),  # the Erlang cookie lies there
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(config.epmd),
        "RABBITMQ_NODENAME": "fairway@localhost",
        "RABBITMQ_DIST_PORT": str(config.distribution),
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(config.amqp),
        "RABBITMQ_BASE": str(home),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "beam.pid"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
