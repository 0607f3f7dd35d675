"""An example of a submission for each job type, for `/docs`: what is required, with a value of the right kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

_BY_TYPE: Mapping[str, Any] = {"string": "text", "boolean": True, "array": [], "object": {}, "null": None}


def examples_of(kinds: Iterable[Schema]) -> dict[str, Any]:
    """Name → example, as OpenAPI has it; `kinds` as `kinds_of` gives them. Values may still break a pattern."""
    return {kind["type"]: {"value": {"type": kind["type"], "args": _arguments(kind["args"])}} for kind in kinds}


def _arguments(schema: Schema) -> dict[str, Any]:
    return {name: _value(schema["properties"][name]) for name in schema.get("required", ())}


def _value(schema: Schema) -> Any:
    match schema:
        case {"examples": [first, *_]} | {"const": first} | {"enum": [first, *_]}:
            return first
        case {"anyOf": [first, *_]}:
            return _value(first)
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": str(type)}:
            return _BY_TYPE.get(type, {})
        case _:
            return {}
