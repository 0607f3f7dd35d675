"""What is to be published, and where to."""

from __future__ import annotations

from typing import NamedTuple

from shared.message import Message


class Publication(NamedTuple):
    """`mandatory`: have it returned where no queue takes it, rather than dropped."""

    exchange: str
    key: str
    message: Message
    mandatory: bool = True
