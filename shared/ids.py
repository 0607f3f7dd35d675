"""Job ids: UUIDv7, so that ids sort by the time of their making (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable

_RANDOM_BITS = 74


class Ids:
    """A source of ids that grow strictly within one process, also for ids made in one millisecond.

    Safe to call from any thread. The 74 bits below the time begin random in each millisecond and
    count up from there (RFC 9562, section 6.2, method 2).
    """

    def __init__(
        self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._now_ms, self._entropy = now_ms, entropy
        self._lock = threading.Lock()
        self._last_ms, self._tail = -1, 0

    def new(self) -> str:
        """A new id in the usual text form of 36 characters."""
        with self._lock:
            now = self._now_ms()
            if now > self._last_ms:
                self._last_ms = now
                self._tail = int.from_bytes(self._entropy(9), "big") >> 1  # 71 bits: room to count up
            else:
                self._tail += 1
            millis, tail = self._last_ms, self._tail
        text = f"{millis:012x}7{tail >> 62 & 0xFFF:03x}{0x8 | tail >> 60 & 0x3:x}{tail & (1 << 60) - 1:015x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Whether `text` is a UUID in its usual form of 36 lower-case characters."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def created_ms(id: str) -> int:
    """When a UUIDv7 was made, in milliseconds since 1970."""
    return uuid.UUID(id).int >> 80
