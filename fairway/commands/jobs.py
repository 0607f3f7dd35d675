"""`fairway jobs`: the records of jobs, newest first, or all that is known of one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

import click

from fairway.http import Web
from fairway.table import Cell, between, coloured, say, say_lines, span, table
from shared.envelope import State
from shared.settings import Settings

PAGE = 100
HEAD = ("ID", "TYPE", "QUEUE", "STATE", "QUEUED", "RAN", "WORKER", "AGE")
Job = Mapping[str, Any]


@click.command
@click.argument("id", required=False)
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--type", help="Only jobs of this type.")
@click.option("--queue", help="Only jobs of this queue.")
@click.option("--tag", help="Only jobs with this label.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print each job as one line of JSON.")
def jobs(id: str | None, limit: int, *, as_json: bool, **filters: str | None) -> None:
    """List the jobs that are known, newest first, or show the one with this ID."""
    web = Web.of(Settings.load())
    if id is not None:
        _show(web.get(f"/v1/jobs/{quote(id, safe='')}"), as_json=as_json)
        return
    found = islice(_pages(web, filters, min(limit, PAGE)), limit)
    if as_json:
        say_lines(found)
    else:
        now = datetime.now(UTC).isoformat()
        say(table(HEAD, (_row(job, now) for job in found)))


def _pages(web: Web, filters: Mapping[str, str | None], size: int) -> Iterator[Job]:
    """Every job that matches, page by page as they are asked for."""
    cursor: str | None = None
    while True:
        page = web.get("/v1/jobs", {**filters, "limit": size, "cursor": cursor})
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _row(job: Job, now: str) -> tuple[Cell, ...]:
    queued, ran = between(job["created"], job["started"]), between(job["started"], job["finished"])
    age = between(job["created"], now)
    return job["id"], job["type"], job["queue"], _state(job), span(queued), span(ran), job["worker"], span(age, coarse=True)


def _state(job: Job) -> str:
    """The state; of a dead job with its problem in one word."""
    problem = job["problem"]
    return coloured(job["state"]) + (f" ({problem['type']})" if problem else "")


def _show(job: Job, *, as_json: bool) -> None:
    if as_json:
        say_lines([job])
    else:
        say("\n".join(f"{name:<10}  {value}" for name, value in _lines(job) if value is not None))


def _lines(job: Job) -> Iterator[tuple[str, Cell]]:
    """What is known of a job, a name and a value for each line."""
    yield "id", job["id"]
    yield "type", job["type"]
    yield "queue", job["queue"]
    yield "tags", ", ".join(job["tags"]) or None
    yield "state", coloured(job["state"])
    yield "attempt", job["attempt"]
    yield "deliveries", job["deliveries"]
    yield "worker", job["worker"]
    yield "created", job["created"]
    yield "started", job["started"]
    yield "finished", job["finished"]
    yield "queued", span(between(job["created"], job["started"]))
    yield "ran", span(between(job["started"], job["finished"]))
    yield "args", _compact(job["args"])
    yield "reply", _compact(job["reply"]) if job["state"] == State.DONE else None
    problem = job["problem"]
    if problem:
        yield "problem", f"{problem['type']}: {problem.get('detail') or problem['title']}"
        yield "", problem.get("traceback")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
