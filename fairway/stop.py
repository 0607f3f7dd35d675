"""How a command ends other than well: one line that says what happened and what helps, and an exit code.

    Stop              1   the job failed, or what was asked for isn't there
    ├── NotPossible   2   the web tier can't take what was asked (click has 2 for a wrong command line)
    ├── Away         69   the web tier or its broker can't be reached
    └── TryAgain     75   it took too long, or there is too much to do

69 and 75 are of sysexits(3), as is the 78 of `NotConfigured`.
"""

from __future__ import annotations

import os
from typing import IO, Any

import click


class Stop(click.ClickException):
    """End the command with a message on standard error."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"fairway: {self.message}", file=file, err=True)


class NotPossible(Stop):
    """What was asked is wrong, and stays so."""

    exit_code = 2


class Away(Stop):
    """Who should answer isn't there."""

    exit_code = os.EX_UNAVAILABLE


class TryAgain(Stop):
    """Not now; later it may go well."""

    exit_code = os.EX_TEMPFAIL
