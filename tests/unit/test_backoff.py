"""Full jitter: evenly from nothing to a bound that grows and then stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backoff import full_jitter


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


@pytest.mark.parametrize(("attempt", "bound"), [(1, 0.2), (2, 0.4), (3, 0.8), (7, 12.8), (8, 15.0), (9, 15.0), (10**9, 15.0)])
def test_the_bound_doubles_up_to_its_limit(attempt: int, bound: float) -> None:
    assert full_jitter(uniform=highest)(attempt) == pytest.approx(bound)


@given(st.integers(1, 10**6))
def test_a_wait_is_never_negative_nor_over_the_limit(attempt: int) -> None:
    assert 0.0 <= full_jitter(limit=3.0)(attempt) <= 3.0


def test_waits_differ() -> None:
    wait = full_jitter()
    assert len({wait(8) for _ in range(20)}) > 1
