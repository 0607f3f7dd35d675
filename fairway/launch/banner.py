"""What `fairway up` tells a person once all is up: where to look, and what to type next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fairway.launch.programs import Addresses

TEXT = "to be or not to be"


def banner(addresses: Addresses, workers: int, seconds: float) -> str:
    """The addresses and the next commands; `seconds` is how long the start took."""
    lines = [
        "",
        f"Fairway is up after {seconds:.1f} s: the web tier and {workers} worker{'s' * (workers != 1)}.",
        "",
        f"  API docs        {addresses.web}/docs",
        *_admin(addresses.management),
        "",
        "Send a job and wait for its result, over HTTP or from the command line:",
        "",
        f"  curl -s {addresses.web}/v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=5' \\",
        f'       -d \'{{"type": "text.count", "args": {{"text": "{TEXT}"}}}}\'',
        f'  {_command()} send text.count text="{TEXT}" --wait',
        "",
        f"Another worker: {_command()} worker   Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def _admin(management: str | None) -> list[str]:
    if management is None:
        return []
    parts = urlsplit(management)
    where = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    login = f"   user {unquote(parts.username)}, password {unquote(parts.password or '')}" if parts.username else ""
    return [f"  RabbitMQ admin  {where}{login}"]


def _command() -> str:
    """How this person can call `fairway`: by name where the shell finds this one, else by its path."""
    script, found = Path(sys.executable).with_name("fairway"), shutil.which("fairway")
    if found and Path(found) == script:
        return "fairway"
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)
