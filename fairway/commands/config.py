"""`fairway config`: each setting, its value, where that came from, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
from pydantic import SecretStr

from fairway.origin import DEFAULT, origins
from fairway.table import say, say_lines
from shared.settings import PREFIX, Settings


class Setting(NamedTuple):
    """One setting as it is shown; `value` hides every password."""

    name: str
    value: str | None
    origin: str
    meaning: str


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print each setting as one line of JSON.")
def config(*, as_json: bool) -> None:
    """Print each setting, its value, where that came from, and what it means. Passwords are hidden."""
    found = list(shown(Settings.load()))
    if as_json:
        say_lines(setting._asdict() for setting in found)
        return
    width = max(len(setting.name) for setting in found)
    for setting in found:
        origin = click.style(f"({setting.origin})", fg=None if setting.origin == DEFAULT else "cyan")
        say(f"{setting.name:<{width}}  {setting.value or '-'}  {origin}")
        say(click.style(f"{'':<{width}}  {setting.meaning}", dim=True))


def shown(settings: Settings) -> Iterator[Setting]:
    """Each setting, in the order of the model."""
    found = origins(settings)
    for field, about in type(settings).model_fields.items():
        value = _text(getattr(settings, field))
        yield Setting(PREFIX + field.upper(), value, found[field], about.description or "")


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case SecretStr():
            return ",".join(without_password(url.strip()) for url in value.get_secret_value().split(","))
        case (*words,):
            return ",".join(map(str, words))
        case str():
            return without_password(value)
        case _:
            return str(value)


def without_password(text: str) -> str:
    """An address with `***` for its password, all of one that can't be read; any other text as it is."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "***"
    if not parts.scheme or parts.password is None:
        return text
    login, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login.partition(':')[0]}:***@{host}").geturl()
