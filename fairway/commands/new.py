"""`fairway new NAME`: a small project of one's own, from the files in fairway/template.

Each of them is a file of the project, with `.in` behind its name, `dot-` for a leading dot, and `myapp` wherever
the project's name stands.
"""

from __future__ import annotations

import keyword
import re
import secrets
from importlib.util import find_spec
from pathlib import Path

import click

from fairway.node.config import write_private
from fairway.stop import NotPossible

TEMPLATE = Path(__file__).parent.parent / "template"
PLACEHOLDER = "myapp"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@click.command
@click.argument("name")
def new(name: str) -> None:
    """Write a project NAME into a new folder: a job type, its handler, a test, and a compose file."""
    _check(name)
    folder = Path(name)
    try:
        folder.mkdir()
    except FileExistsError:
        raise NotPossible(f"{folder.absolute()} is there already; nothing was written") from None
    for source in sorted(TEMPLATE.rglob("*.in")):
        target = folder / _named(source.relative_to(TEMPLATE), name)
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text().replace(PLACEHOLDER, name))
    write_private(folder / ".env", _with_password((folder / ".env.example").read_text()))
    click.echo(f"{folder}/ is written. Next: cd {folder}, and the three commands of README.md, the first one: python -m pytest")


def _check(name: str) -> None:
    """Raises `click.BadParameter` for a name that can't be a module of its own."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.BadParameter(f"{name!r} must be a module's name: a lower-case letter, then at most 39 of a-z 0-9 _", param_hint="NAME")
    if name == "tests" or (find_spec(name) is not None and not Path(name).exists()):
        raise click.BadParameter(f"{name!r} is the name of a module that exists, and would be hidden by it or hide it", param_hint="NAME")


def _named(path: Path, name: str) -> Path:
    words = (part.removesuffix(".in").replace("dot-", ".", 1).replace(PLACEHOLDER, name) for part in path.parts)
    return Path(*words)


def _with_password(example: str) -> str:
    return example.replace("RABBITMQ_PASS=\n", f"RABBITMQ_PASS={secrets.token_hex(16)}\n")
