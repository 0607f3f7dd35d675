"""Fair dispatch: first come, first started, and no more held than can run."""

from __future__ import annotations

import pytest

from tests.support.deliveries import a_held
from worker.dispatch import POLICIES, Fair


def test_what_came_first_is_started_first() -> None:
    fair = Fair()
    held = [a_held(str(number)) for number in range(3)]
    for one in held:
        fair.add(one)
    assert len(fair) == 3
    assert [fair.next() for _ in range(4)] == [*held, None]
    assert len(fair) == 0


@pytest.mark.parametrize(("slots", "queues", "prefetch"), [(1, 1, 1), (64, 1, 64), (64, 3, 21), (2, 5, 1)])
def test_consumers_share_the_slots_and_each_has_one_at_least(slots: int, queues: int, prefetch: int) -> None:
    assert Fair().prefetch(slots, queues) == prefetch


def test_the_policies_are_known_by_name() -> None:
    assert set(POLICIES) == {"fair"}
    assert isinstance(POLICIES["fair"](), Fair)
