"""The command line: one group, whose commands are imported when they are called.

A command may let any `FairwayError` through: here it becomes one line and an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from fairway.environment import environment
from shared.errors import BrokerDown, FairwayError, NoReplyInTime, NotConfigured, OutcomeUnknown, RecordsDown

# name → where its click command is, and its line of help
COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("fairway.commands.up:up", "Start RabbitMQ, the web tier and workers here, until Ctrl-C."),
    "down": ("fairway.commands.down:down", "Stop what `fairway up` started here, also where it was killed."),
    "web": ("fairway.commands.web:web", "Run the web tier."),
    "worker": ("fairway.commands.worker:worker", "Run a worker."),
    "send": ("fairway.commands.send:send", "Submit a job, and wait for its reply if asked to."),
    "jobs": ("fairway.commands.jobs:jobs", "List and show jobs."),
    "queues": ("fairway.commands.queues:queues", "Show the queues and their depth."),
    "workers": ("fairway.commands.workers:workers", "Show the workers and their share of the load."),
    "topology": ("fairway.commands.topology:command", "Plan and apply exchanges and queues."),
    "config": ("fairway.commands.config:config", "Print each setting with its origin."),
    "new": ("fairway.commands.new:new", "Write a small project of your own."),
}
LAUNCHERS = frozenset({"up", "down"})  # they decide which broker it is; the others are told


class Lazy(click.Group):
    """Knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FairwayError as error:
            click.echo(f"fairway: {error}", err=True)
            ctx.exit(exit_code(error))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fairway")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Fairway: a work queue on RabbitMQ."""
    sys.path.append(str(Path.cwd()))  # modules of one's own jobs are found where one stands; behind Fairway's own
    if ctx.invoked_subcommand not in LAUNCHERS:
        os.environ.update(environment())  # beneath what it says itself: the addresses of the `fairway up` of this folder


def exit_code(error: FairwayError) -> int:
    """What a command ends with, by sysexits(3): 69 broker or records away, 75 try again, 78 wrong configuration, else 1."""
    match error:
        case BrokerDown() | RecordsDown():
            return os.EX_UNAVAILABLE
        case NoReplyInTime() | OutcomeUnknown():
            return os.EX_TEMPFAIL
        case NotConfigured():
            return os.EX_CONFIG
        case _:
            return 1
