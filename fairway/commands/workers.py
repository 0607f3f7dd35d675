"""`fairway workers`: who is attached, what each one does and has done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from fairway.http import Web
from fairway.table import Cell, between, say, say_lines, span, table
from shared.settings import Settings

HEAD = ("WORKER", "HOST", "PID", "UP", "QUEUES", "SLOTS", "IN FLIGHT", "DONE", "FAILED", "SHARE")


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print each worker as one line of JSON.")
def workers(*, as_json: bool) -> None:
    """Show the workers that are attached: their queues, what runs, what they have done, and their share of the load."""
    items = Web.of(Settings.load()).get("/v1/workers")["items"]
    if as_json:
        say_lines(items)
    else:
        now = datetime.now(UTC).isoformat()
        say(table(HEAD, (_row(item, now) for item in items)))


def _row(worker: Mapping[str, Any], now: str) -> tuple[Cell, ...]:
    return (
        worker["name"] + (" (stopping)" if worker["stopping"] else ""),
        worker["host"],
        worker["pid"],
        span(between(worker["since"], now), coarse=True),
        ", ".join(worker["queues"]),
        ", ".join(f"{kind} {slots}" for kind, slots in worker["slots"].items()),
        worker["in_flight"],
        worker["done"],
        worker["failed"],
        f"{worker['share']:.0%}",
    )
