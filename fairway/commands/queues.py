"""`fairway queues`: what waits in each queue, what runs, and who takes from it."""

from __future__ import annotations

import click

from fairway.http import Web
from fairway.table import say, say_lines, table
from shared.settings import Settings

HEAD = ("QUEUE", "READY", "IN FLIGHT", "CONSUMERS", "RATE")


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print each queue as one line of JSON.")
def queues(*, as_json: bool) -> None:
    """Show the queues: how many jobs are ready for a worker, how many run, who takes from it, and how many end a second."""
    items = Web.of(Settings.load()).get("/v1/queues")["items"]
    if as_json:
        say_lines(items)
    else:
        say(table(HEAD, ((item["queue"], item["ready"], item["in_flight"], item["consumers"], item["rate"]) for item in items)))
