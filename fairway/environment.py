"""What `fairway up` tells the other commands of the same folder: the file `env` in FAIRWAY_HOME (`.fairway`).

It holds the addresses of the broker and of the web tier as `NAME=value` lines that a shell can read too
(`set -a; . .fairway/env`). What the environment itself says always wins.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from fairway.node.config import write_private

FILE = "env"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for all that is kept between runs: FAIRWAY_HOME, else `.fairway` here."""
    return Path(environ.get("FAIRWAY_HOME") or ".fairway").absolute()


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a command: `environ`, and beneath it what the running `fairway up` of this folder wrote."""
    return kept(home(environ)) | dict(environ)


def kept(folder: Path) -> dict[str, str]:
    """The addresses that a `fairway up` in `folder` wrote; empty where none runs."""
    try:
        words = shlex.split((folder / FILE).read_text())
    except FileNotFoundError:
        return {}
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def keep(folder: Path, values: Mapping[str, str]) -> None:
    """Write the addresses so that only this user can read them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / FILE, "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))


def forget(folder: Path) -> None:
    """Remove the addresses: what they led to has been stopped."""
    (folder / FILE).unlink(missing_ok=True)
