"""What a broker can do, by the version it states."""

from __future__ import annotations

from typing import Any

import pytest

from shared.link.capabilities import Capabilities


@pytest.mark.parametrize(
    ("stated", "version", "unlimited"),
    [
        ("3.10.8", (3, 10, 8), False),
        ("3.13.7", (3, 13, 7), False),
        ("4.0.0-rc.1", (4, 0, 0), True),
        ("4.0.5", (4, 0, 5), True),
        (b"4.2.1", (4, 2, 1), True),
        ("4.3", (4, 3, 0), True),
        ("10.0.0", (10, 0, 0), True),
        ("unknown", (0, 0, 0), False),
        (b"\xff", (0, 0, 0), False),
        (None, (0, 0, 0), False),
    ],
)
def test_only_a_broker_from_4_0_on_knows_an_unlimited_delivery(stated: Any, version: tuple[int, int, int], unlimited: bool) -> None:
    found = Capabilities.of({"version": stated})
    assert (found.version, found.unlimited_delivery) == (version, unlimited)


def test_a_broker_that_says_nothing_is_trusted_with_nothing() -> None:
    assert Capabilities.of({}).unlimited_delivery is False
    assert str(Capabilities.of({"version": "3.10.8"})) == "3.10.8"
