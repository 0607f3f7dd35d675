"""The stores that the conformance suites ask: each test runs once for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.records import Records, open_records
from tests.support.memory_records import MemoryRecords


@pytest.fixture(params=["sqlite", "memory"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    made = MemoryRecords() if request.param == "memory" else open_records(f"sqlite:///{tmp_path}/kept/records.sqlite3")
    assert made is not None
    yield made
    made.close()
