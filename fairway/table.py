"""What commands print: aligned tables without lines, spans of time that a person reads, colour where it is wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click

Cell = str | int | float | None

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0  # seconds

_COLOURS = {
    "done": "green",
    "running": "cyan",
    "dead": "red",
    "cancelled": "yellow",
    "expired": "yellow",
}


def say(text: str) -> None:
    """Print to standard output; colours are left out off a terminal, and where NO_COLOR is set (https://no-color.org)."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def say_lines(items: Iterable[Any]) -> None:
    """Print each item as JSON on a line of its own (NDJSON)."""
    for item in items:
        click.echo(json.dumps(item, ensure_ascii=False))


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows under their heads; a column of numbers stands to the right. None is shown as `-`."""
    body = [list(row) for row in rows]
    columns = [[head[place], *(_text(row[place]) for row in body)] for place in range(len(head))]
    right = [all(isinstance(row[place], (int, float, type(None))) for row in body) for place in range(len(head))]
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(_pad(cell, width, right=side) for cell, width, side in zip(line, widths, right, strict=True)).rstrip() for line in lines
    )


def _text(cell: Cell) -> str:
    return "-" if cell is None else str(cell)


def _pad(cell: str, width: int, *, right: bool) -> str:
    room = " " * (width - len(click.unstyle(cell)))
    return room + cell if right else cell + room


def coloured(state: str) -> str:
    """A state in its colour."""
    colour = _COLOURS.get(state)
    return click.style(state, fg=colour) if colour else state


def span(seconds: float | None, *, coarse: bool = False) -> str | None:
    """`3 ms`, `1.002 s`, `2 min 05 s`, `3 h 20 min`, `5 d`; a negative one (two clocks) is `0 ms`.

    Where `coarse`, whole seconds are the least: `0 s`.
    """
    if seconds is None:
        return None
    seconds = max(round(seconds, 3), 0.0)
    if seconds < MINUTE:
        if coarse:
            return f"{int(seconds)} s"
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE // 1:02.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:02.0f} min" if seconds < 2 * DAY else f"{seconds // DAY:.0f} d"


def between(earlier: str | None, later: str | None) -> float | None:
    """Seconds from one RFC 3339 time to another; None where one of them is missing."""
    if earlier is None or later is None:
        return None
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
