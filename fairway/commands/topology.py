"""`fairway topology plan | apply`: what the broker lacks, and making it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from shared.catalogue import Catalogue
from shared.control.apply import apply
from shared.control.difference import Missing, thing
from shared.control.plan import Plan, plan
from shared.job import QUEUE
from shared.settings import Settings


def _queue_names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    names = None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names or ():
        if not QUEUE.fullmatch(name):
            raise click.BadParameter(f"{name!r} must match [a-z0-9-]{{1,40}}")
    return names


queues_option = click.option(
    "--queues",
    callback=_queue_names,
    metavar="NAME,NAME",
    help="Work queues; those of the job types of FAIRWAY_JOBS where not given.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("topology")
def command() -> None:
    """Exchanges, queues and bindings on the broker: what is wanted, what is there."""


@command.command("plan")
@queues_option
@json_option
def plan_command(*, queues: tuple[str, ...] | None, as_json: bool) -> None:
    """Show what is missing or different; change nothing.

    Ends with 0 where nothing is to be done, else with 1. With FAIRWAY_MANAGEMENT_URL it sees arguments, bindings and
    policies too; without, only whether exchanges and queues are there.
    """
    settings = Settings.load()
    found = asyncio.run(plan(settings, _chosen(settings, queues)))
    click.echo(json.dumps(_document(found)) if as_json else _report(found))
    raise SystemExit(1 if found.findings else 0)


@command.command("apply")
@queues_option
@json_option
def apply_command(*, queues: tuple[str, ...] | None, as_json: bool) -> None:
    """Make what is missing. Safe to repeat; never changes or deletes what is there."""
    settings = Settings.load()
    made = [thing(item) for item in asyncio.run(apply(settings, _chosen(settings, queues)))]
    if as_json:
        click.echo(json.dumps({"made": [{"kind": kind, "name": name} for kind, name in made]}))
    else:
        click.echo("\n".join(f"made: {kind} {name}" for kind, name in made) or "nothing to make: every exchange and queue is there")


def _chosen(settings: Settings, queues: tuple[str, ...] | None) -> tuple[str, ...]:
    return Catalogue.load(settings.jobs).queues if queues is None else queues


def _document(found: Plan) -> Mapping[str, Any]:
    findings = [{"finding": type(finding).__name__.lower(), **asdict(finding)} for finding in found.findings]
    return {"complete": found.complete, "findings": findings}


def _report(found: Plan) -> str:
    lines = [str(finding) for finding in found.findings] or ["nothing to do: all that is wanted is there"]
    if any(isinstance(finding, Missing) for finding in found.findings):
        lines.append("To make what is missing: fairway topology apply")
    if not found.complete:
        lines.append(
            "Not looked at: arguments, bindings, policies. Set FAIRWAY_MANAGEMENT_URL=http://user:password@host:15672 to see them."
        )
    return "\n".join(lines)
