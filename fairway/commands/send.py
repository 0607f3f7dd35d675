"""`fairway send TYPE name=value ... [--wait]`: submit a job through the web tier, and show its reply."""

from __future__ import annotations

import difflib
import json
import math
import sys
import time
from collections.abc import Iterator

import click

from fairway.arguments import arguments, object_of, synopsis
from fairway.http import Object, Web
from fairway.stop import Away, Stop, TryAgain
from fairway.table import between, say, say_lines, span
from shared.envelope import TERMINAL, State
from shared.settings import Settings

WAIT = 60  # seconds of a bare `--wait`; the time limit that an attempt has by default
ONE_WAIT = 20  # seconds of one request; below the limit that FAIRWAY_WAIT_LIMIT sets by default
PAUSE = 0.5  # seconds between two tries to reach a web tier that went away while the job runs


class _Send(click.Command):
    """`--wait` takes its seconds behind `=` only: the word after it is an argument of the job."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f"--wait={WAIT}" if arg == "--wait" else arg for arg in args])


@click.command(cls=_Send)
@click.argument("type")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--wait", metavar="[=SECONDS]", type=click.IntRange(min=0), help=f"Wait for the reply, {WAIT} s where no number is given.")
@click.option("--tag", "tags", multiple=True, help="Label to find the job by; may be repeated.")
@click.option("--queue", help="Queue; the job type's own where none is given.")
@click.option("--args-json", metavar="JSON", help="Arguments as a JSON object, `-` for standard input; NAME=VALUE wins over it.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole job as one line of JSON.")
def send(
    type: str, words: tuple[str, ...], wait: int | None, tags: tuple[str, ...], queue: str | None, args_json: str | None, *, as_json: bool
) -> None:
    """Submit a job of TYPE.

    \b
    fairway send text.count text="to be or not to be" --wait
    fairway send demo.sleep seconds=1 --wait=10
    echo '{"text": "hello"}' | fairway send text.count --args-json -

    A value is taken as it stands where the argument is a string, else it is JSON.
    Exit code 1: the job failed. 75: it didn't end in time, and goes on.
    """  # noqa: D301 - \b keeps click from folding the lines
    web = Web.of(Settings.load())
    body = {"type": type, "args": _arguments(web, type, words, args_json)}
    body |= {name: value for name, value in (("queue", queue), ("tags", list(tags))) if value}
    job = _submit(web, body, wait)
    if wait is not None:
        _show_end(job, as_json=as_json)
    elif as_json:
        say_lines([job])
    else:
        say(job["id"])
        click.echo(f"queued; see it: fairway jobs {job['id']}", err=True)


def _arguments(web: Web, type: str, words: tuple[str, ...], args_json: str | None) -> Object:
    try:
        given = {} if args_json is None else object_of(sys.stdin.read() if args_json == "-" else args_json)
    except ValueError as error:
        raise click.UsageError(f"--args-json: {error}") from None
    if not words:
        return given
    schema = _schema(web, type)
    try:
        return {**given, **arguments(words, schema)}
    except ValueError as error:
        raise click.UsageError(f"{error}; it is: fairway send {type} {synopsis(schema)}") from None


def _schema(web: Web, type: str) -> Object:
    known: dict[str, Object] = {item["type"]: item["args"] for item in web.get("/v1/types")["items"]}
    if type in known:
        return known[type]
    near = difflib.get_close_matches(type, known, n=3) or sorted(known)
    raise click.UsageError(f"no job type is named {type!r} at {web.url}; there is {', '.join(near)} (FAIRWAY_JOBS names the modules)")


def _submit(web: Web, body: Object, wait: int | None) -> Object:
    if wait is None:
        return web.post("/v1/jobs", body, {})
    until = time.monotonic() + wait
    first = min(wait, ONE_WAIT)
    job = web.post("/v1/jobs", body, {"Prefer": f"wait={first}"}, wait=first)
    while job["state"] not in TERMINAL:
        left = until - time.monotonic()
        if left <= 0:
            raise TryAgain(f"job {job['id']} is {job['state']} after {wait} s, and goes on; see it: fairway jobs {job['id']}")
        job = _look(web, job, min(math.ceil(left), ONE_WAIT))
    return job


def _look(web: Web, job: Object, wait: int) -> Object:
    """The job after at most `wait` seconds; as it was where the web tier is away for the moment: the job itself goes on."""
    try:
        return web.get(f"/v1/jobs/{job['id']}", {"wait": wait}, wait=wait)
    except Away:
        time.sleep(min(PAUSE, wait))
        return job
    except Stop as stop:
        raise type(stop)(f"job {job['id']} was accepted, but can't be followed: {stop.message}") from None


def _show_end(job: Object, *, as_json: bool) -> None:
    if as_json:
        say_lines([job])
    elif job["state"] == State.DONE:
        say(json.dumps(job["reply"], indent=2, ensure_ascii=False))
    click.echo(_took(job), err=True)
    if job["state"] != State.DONE:
        raise Stop("\n".join(_failure(job)))


def _took(job: Object) -> str:
    """`queued 3 ms · ran 1.002 s on worker-2`; without what isn't known."""
    queued = span(between(job["created"], job["started"] or job["finished"]))
    ran = span(between(job["started"], job["finished"]))
    parts = (f"queued {queued}" if queued else "", f"ran {ran} on {job['worker']}" if ran else "")
    return " · ".join(part for part in parts if part)


def _failure(job: Object) -> Iterator[str]:
    problem: Object = job["problem"] or {}
    yield f"job {job['id']} is {job['state']}: {problem.get('type', '')}: {problem.get('detail') or problem.get('title', '')}"
    if problem.get("traceback"):
        yield str(problem["traceback"]).rstrip()
