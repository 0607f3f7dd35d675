"""Where a setting's value came from, in the words that `fairway config` and every error use."""

from __future__ import annotations

import os
from collections.abc import Mapping

from fairway.environment import home, kept
from shared.settings import PREFIX, Settings

UP = ".fairway/env"  # written by `fairway up`
DEFAULT = "default"
# A setting that may be read from a file is named by another one.
FILES = {"amqp_url": "amqp_url_file"}


def origins(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Field → `environment`, `.fairway/env`, the variable that names a file, or `default`."""
    environ = os.environ if environ is None else environ
    written = kept(home(environ))
    return {field: _origin(field, settings, environ, written) for field in type(settings).model_fields}


def _origin(field: str, settings: Settings, environ: Mapping[str, str], written: Mapping[str, str]) -> str:
    name = PREFIX + field.upper()
    value = environ.get(name)
    if name in written and value in {None, written[name]}:
        return UP
    if value is not None:
        return "environment"
    file = FILES.get(field)
    if file is not None and getattr(settings, file) is not None:
        return PREFIX + file.upper()
    return DEFAULT
