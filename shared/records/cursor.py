"""Where a page of records ends, as an opaque text: the creation and the id of its last record.

A keyset, not an offset: a page costs the same wherever it lies, and a record that comes meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

LONGEST_PAGE = 1000


class Place(NamedTuple):
    """A record's place in the order newest first. `created` in milliseconds since 1970."""

    created: Annotated[int, Field(ge=0, lt=2**63)]
    id: str


_PLACE: TypeAdapter[Place] = TypeAdapter(Place)


def to_cursor(place: Place) -> str:
    """The place as a text that is safe in a URL."""
    return base64.urlsafe_b64encode(_PLACE.dump_json(place)).decode().rstrip("=")


def from_cursor(cursor: str) -> Place:
    """The place in a cursor; raises `ValueError` where it is none."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        return _PLACE.validate_json(text, strict=True)
    except (binascii.Error, UnicodeError, ValidationError) as error:
        raise ValueError(f"cursor: {cursor[:80]!r} is no `next` of a page") from error


def check_limit(limit: int) -> None:
    """Raises `ValueError` where a page can't have that many records."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise ValueError(f"limit: {limit} is not from 1 to {LONGEST_PAGE}")
