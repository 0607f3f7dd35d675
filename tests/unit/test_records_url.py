"""FAIRWAY_RECORDS_URL: which addresses there are, and what is said of another one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import NotConfigured
from shared.records import Accepted, open_records
from shared.records.cursor import Place, from_cursor, to_cursor
from tests.support.record_writes import job, store


def test_off_keeps_none() -> None:
    assert open_records("off") is None


@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_a_file_is_made_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    records = open_records("sqlite:///some/folder/kept.sqlite3" if form == "relative" else f"sqlite:///{tmp_path}/some/folder/kept.sqlite3")
    assert records is not None
    assert list((tmp_path / "some/folder").iterdir()) == []  # opened at its first use
    monkeypatch.chdir("/")  # what the address means doesn't follow the process about
    with closing(records):
        store(records, Accepted(job("a")))
        assert (tmp_path / "some/folder/kept.sqlite3").exists()


@pytest.mark.parametrize("url", ["", "on", "sqlite://", "sqlite:///", "sqlite:////var/", "postgresql://host/db", "records.sqlite3", "OFF"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(NotConfigured, match="FAIRWAY_RECORDS_URL"):
        open_records(url)


def test_a_folder_that_can_t_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotConfigured, match=r"FAIRWAY_RECORDS_URL: the folder .*/file/folder can't be made: Not a directory"):
        open_records(f"sqlite:///{tmp_path}/file/folder/records.sqlite3")


@given(st.builds(Place, st.integers(0, 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_cursor_is_the_place_and_safe_in_a_url(place: Place) -> None:
    cursor = to_cursor(place)
    assert from_cursor(cursor) == place
    assert cursor.replace("-", "").replace("_", "").isalnum()
