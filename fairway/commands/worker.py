"""`fairway worker`: what `python -m worker` runs, with the settings that a person changes most as options."""

from __future__ import annotations

import os

import click

from shared.settings import PREFIX


@click.command
@click.option("--queues", metavar="NAME,NAME", help="Queues to take from; all that its handlers name where not given.")
@click.option("--slots", help="Jobs at once on the loop and in threads.")
@click.option("--processes", help="Child processes.")
@click.option("--name", help="Name of this worker; host:pid where not given.")
def worker(**options: str | None) -> None:
    """Run a worker until SIGTERM or Ctrl-C; it then finishes what it runs. A second one stops it at once.

    Options win over the environment (FAIRWAY_QUEUES, FAIRWAY_SLOTS, ...). Exit code 0 after a warm stop, 1 after a cold one.
    """
    # By the environment, so that there is one way to read a setting, and one error for a wrong one.
    os.environ.update({PREFIX + option.upper(): value for option, value in options.items() if value is not None})
    from worker.__main__ import main  # noqa: PLC0415 - the handlers' world, only where a worker runs

    main()
