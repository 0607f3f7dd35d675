"""Tables and spans of time, as commands print them."""

from __future__ import annotations

import click
import pytest

from fairway.table import between, coloured, span, table


def test_words_stand_to_the_left_and_numbers_to_the_right() -> None:
    assert table(("NAME", "DONE", "SHARE"), [("worker-1", 7, "25%"), ("worker-12", 1200, None)]).splitlines() == [
        "NAME       DONE  SHARE",
        "worker-1      7  25%",
        "worker-12  1200  -",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert table(("ID", "STATE"), []) == "ID  STATE"


def test_colours_take_no_room() -> None:
    plain = table(("STATE", "ID"), [("done", "a"), ("cancelled", "b")])
    assert click.unstyle(table(("STATE", "ID"), [(coloured("done"), "a"), (coloured("cancelled"), "b")])) == plain


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.004, "0 ms"),
        (0, "0 ms"),
        (0.0034, "3 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.000 s"),
        (1.002, "1.002 s"),
        (59.9994, "59.999 s"),
        (60, "1 min 00 s"),
        (125.9, "2 min 05 s"),
        (3600, "1 h 00 min"),
        (12_000, "3 h 20 min"),
        (172_800, "2 d"),
        (None, None),
    ],
)
def test_a_span_reads_well_at_any_length(seconds: float | None, text: str | None) -> None:
    assert span(seconds) == text


def test_an_age_has_no_fractions() -> None:
    assert [span(seconds, coarse=True) for seconds in (-1, 0.4, 59.9, 61)] == ["0 s", "0 s", "59 s", "1 min 01 s"]


def test_between_two_times() -> None:
    assert between("2026-11-21T09:00:00.250Z", "2026-11-21T09:00:01.252Z") == pytest.approx(1.002)
    assert between(None, "2026-11-21T09:00:00.250Z") is None
    assert between("2026-11-21T09:00:00.250Z", None) is None
