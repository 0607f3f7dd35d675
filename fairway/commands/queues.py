"""`fairway queues`: what waits in each queue, what runs, and who takes from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from fairway.http import Web
from fairway.table import Cell, say, say_lines, table
from shared.settings import Settings

HEAD = ("QUEUE", "DEPTH", "IN FLIGHT", "CONSUMERS", "RATE", "DEAD")
MEMBERS = ("name", "depth", "in_flight", "consumers", "rate", "dead")


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print each queue as one line of JSON.")
def queues(*, as_json: bool) -> None:
    """Show the queues: how many jobs wait, how many run, who takes them, how many end a second, and how many are dead."""
    items = Web.of(Settings.load()).get("/v1/queues")["items"]
    if as_json:
        say_lines(items)
    else:
        say(table(HEAD, (_row(item) for item in items)))


def _row(item: Mapping[str, Any]) -> list[Cell]:
    """The members in their order; a rate with the same digits on every line, none where nothing is known of it yet."""
    rate = item["rate"]
    return [item[member] if member != "rate" or rate is None else f"{rate:.2f}" for member in MEMBERS]
