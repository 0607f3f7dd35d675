"""A record as HTTP shows it; also one whose JSON isn't JSON, which somebody put onto the broker by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from shared.errors import Problem
from shared.record import Record

UNREADABLE = Problem("unreadable", "The reply that was recorded is no JSON.")


def members(record: Record) -> dict[str, Any]:
    """The members of a job; see `Record.members`."""
    try:
        return record.members()
    except ValueError:
        return _mended(record).members()


def _mended(record: Record) -> Record:
    args = record.args if _is_json(record.args) else None
    return replace(record, args=args) if _is_json(record.reply) else replace(record, args=args, reply=None, problem=UNREADABLE)


def _is_json(text: bytes | None) -> bool:
    try:
        from_json(text or b"null")
    except ValueError:
        return False
    return True
