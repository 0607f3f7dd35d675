"""How long a client wants to wait: `Prefer: wait=N` (RFC 7240, section 4.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SECONDS = re.compile(r"[0-9]{1,9}")


def preferred_wait(headers: Iterable[str]) -> int:
    """Seconds of the first `wait` in the `Prefer` headers; 0 where there is none, or none that can be read.

    A comma inside of another preference's quoted string is taken for an end; what that could turn into a
    `wait` is still a wish that may be ignored.
    """
    for header in headers:
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "wait":
                seconds = value.strip().strip('"')
                return int(seconds) if _SECONDS.fullmatch(seconds) else 0
    return 0
