"""How long to wait before try n. Plain functions; a new backoff is a new function."""

from __future__ import annotations

import random
from collections.abc import Callable

Backoff = Callable[[int], float]


def full_jitter(
    first: float = 0.2, factor: float = 2.0, limit: float = 15.0, uniform: Callable[[float, float], float] = random.uniform
) -> Backoff:
    """Try n (from 1) → seconds, drawn evenly from 0 to min(limit, first * factor ** (n - 1)).

    Full jitter spreads a herd best (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    def seconds(attempt: int) -> float:
        exponent = min(attempt - 1, 64)  # 2.0 ** 2000 would overflow
        return uniform(0.0, min(limit, first * factor**exponent))

    return seconds
