"""`fairway up`: start everything on this machine, and stay until told to stop."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import click

from fairway.environment import home
from fairway.launch.up import up as run


@click.command
@click.option("--workers", envvar="WORKERS", type=click.IntRange(1, 64), default=4, show_default=True, show_envvar=True, help="How many.")
def up(workers: int) -> None:
    """Start RabbitMQ, the web tier and workers here, until Ctrl-C.

    RabbitMQ is, in this order: the one that FAIRWAY_AMQP_URL names; a private node of an installed rabbitmq-server; a
    Docker container; a private node of the distribution's packages, fetched into a cache. FAIRWAY_BROKER=private, docker or
    fetch chooses one of them. Data lies in FAIRWAY_HOME (.fairway).

    Exit codes: 0 after a warm stop, 1 after a cold one (a second Ctrl-C).
    """
    sys.exit(asyncio.run(run(home(), workers, _say)))


def _say(text: str) -> None:
    """Print; where the terminal has gone (SIGHUP), what was started must be stopped all the same."""
    with suppress(OSError):
        click.echo(text)
