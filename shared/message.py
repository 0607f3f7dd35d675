"""A message: bytes and properties, exactly as much as a broker can carry. Which property holds what
is `shared.wire`'s business; how a library spells them is the Link's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

HeaderValue = str | int | bool


class Message(NamedTuple):
    """`timestamp` is in whole seconds since 1970 (AMQP 0-9-1 has no finer one); None leaves it out."""

    body: bytes
    id: str = ""
    type: str = ""
    correlation_id: str = ""
    reply_to: str | None = None
    timestamp: int | None = None
    headers: Mapping[str, HeaderValue] = {}
    content_type: str = "application/json"
    content_encoding: str = ""
    persistent: bool = True
