"""`Prefer: wait=N` as RFC 7240 has it: what can't be read is a wish that is ignored."""

from __future__ import annotations

import pytest

from producer.web.prefer import preferred_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=5"], 5),
        (["respond-async, wait=10"], 10),
        (['Wait = "7" ; strict'], 7),
        (["handling=lenient", "wait=3"], 3),
        (["wait=2, wait=9"], 2),  # the first counts
        ([], 0),
        (["wait"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=1e9"], 0),
        (["wait=9999999999999"], 0),
        (["awaits=4"], 0),
        (["," * 8000], 0),
    ],
)
def test_the_first_wait_counts_where_it_can_be_read(headers: list[str], seconds: int) -> None:
    assert preferred_wait(headers) == seconds
