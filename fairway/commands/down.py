"""`fairway down`: stop what an `up` left behind here."""

from __future__ import annotations

import click

from fairway.environment import home
from fairway.launch.place import down as stop


@click.command
@click.option("--purge", is_flag=True, help="Remove the broker's data and the records too.")
def down(*, purge: bool) -> None:
    """Stop what `fairway up` started here, also where it was killed."""
    stop(home(), purge=purge, say=click.echo)
