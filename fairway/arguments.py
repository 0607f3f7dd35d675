"""Words of a command line as the arguments of a job: `text=hello`, `seconds=1.5`, `tags=["a"]`.

A field that may be a string takes its text as it stands; any other is JSON. Which is which, the job type's JSON
Schema says (GET /v1/types). Whether the arguments fit is the web tier's to judge, not decided twice.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic_core import from_json

Schema = Mapping[str, Any]


def arguments(words: Iterable[str], schema: Schema) -> dict[str, Any]:
    """The arguments that `name=value` words mean. Raises `ValueError` naming the word."""
    return dict(_argument(word, schema) for word in words)


def _argument(word: str, schema: Schema) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise ValueError(f"{word!r} is no name=value")
    field = schema.get("properties", {}).get(name)
    if field is None:
        raise ValueError(f"{name!r} is no argument{_instead(name, schema)}")
    if "string" in _kinds(field, schema):
        return name, text
    try:
        return name, from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"{word!r} is no JSON ({error}), and {name!r} is {_article(field, schema)}") from None


def object_of(text: str) -> dict[str, Any]:
    """A JSON object. Raises `ValueError` where it is none."""
    value: object = from_json(text, allow_inf_nan=False)
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError(f'arguments are a JSON object, like {{"text": "hello"}}, not {type(value).__name__}')


def synopsis(schema: Schema) -> str:
    """The arguments of a job type in a line: `text=string [width=integer]`."""
    required = schema.get("required", ())
    words = (f"{name}={'|'.join(_kinds(field, schema)) or 'json'}" for name, field in schema.get("properties", {}).items())
    names = schema.get("properties", {})
    return " ".join(word if name in required else f"[{word}]" for name, word in zip(names, words, strict=True))


def _kinds(field: Schema, schema: Schema) -> list[str]:
    """The JSON types that a field may have; through references, alternatives, enumerations and constants."""
    if reference := field.get("$ref"):
        return _kinds(schema.get("$defs", {}).get(str(reference).rpartition("/")[2], {}), schema)
    kinds = field.get("type", [])
    found = [kinds] if isinstance(kinds, str) else list(kinds)
    for alternative in (*field.get("anyOf", ()), *field.get("oneOf", ()), *field.get("allOf", ())):
        found += _kinds(alternative, schema)
    if any(isinstance(value, str) for value in (*field.get("enum", ()), field.get("const"))):
        found.append("string")
    return list(dict.fromkeys(found))


def _article(field: Schema, schema: Schema) -> str:
    kinds = [kind for kind in _kinds(field, schema) if kind != "null"]
    return " or ".join(kinds) or "of any kind: quote a string as JSON"


def _instead(name: str, schema: Schema) -> str:
    known: Schema = schema.get("properties", {})
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""
