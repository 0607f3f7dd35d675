"""The catalogue: job types from an explicit list of modules, with errors that name the setting."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from shared.catalogue import Catalogue
from shared.errors import NotConfigured
from shared.job import Job


class Mail(Job[None], name="test.mail", queue="mails"):
    pass


class Count(Job[int], name="test.count"):
    text: str


class OtherMail(Job[None], name="test.mail"):
    pass


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module named `some_jobs`."""
    made = ModuleType("some_jobs")
    monkeypatch.setitem(sys.modules, "some_jobs", made)
    return made


def test_types_are_found_by_name_and_queues_are_sorted() -> None:
    catalogue = Catalogue([Mail, Count])
    assert catalogue.types == {"test.mail": Mail, "test.count": Count}
    assert catalogue.queues == ("default", "mails")


def test_the_same_type_twice_is_one_type_and_two_types_of_one_name_are_an_error() -> None:
    assert Catalogue([Mail, Mail]).types == {"test.mail": Mail}
    with pytest.raises(NotConfigured, match=r"'test\.mail'.*Mail and .*OtherMail"):
        Catalogue([Mail, OtherMail])


def test_near_names_come_best_first() -> None:
    catalogue = Catalogue([Mail, Count])
    assert catalogue.near("test.cuont") == ["test.count"]
    assert catalogue.near("test.mial")[0] == "test.mail"
    assert catalogue.near("nothing like it") == []


def test_a_module_gives_the_types_that_it_defines_and_not_what_it_imports(module: ModuleType) -> None:
    class Own(Job[None], name="test.own"):
        __module__ = "some_jobs"

    vars(module).update(Own=Own, Mail=Mail, Job=Job, silent=Job[None], number=1)
    assert Catalogue.load(["some_jobs"]).types == {"test.own": Own}


def test_a_module_that_cannot_be_imported_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(NotConfigured, match=r"FAIRWAY_JOBS.*'no\.such\.module'"):
        Catalogue.load(["no.such.module"])
