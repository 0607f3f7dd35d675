"""Errors as words: what travels, and what a caller reads."""

from __future__ import annotations

import re

import pytest

from shared import errors
from shared.errors import PROBLEM, FairwayError, JobFailed, OutcomeUnknown, Problem


def test_every_error_of_ours_is_in_the_tree_and_the_tree_is_drawn() -> None:
    ours = {name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert drawn(errors.__doc__ or "") == {name: value.__mro__[1].__name__ for name, value in ours.items() if value is not FairwayError}


def drawn(text: str) -> dict[str, str]:
    """Name → name of what it hangs from, as the tree is drawn: four columns for each level."""
    path: list[str] = ["FairwayError"]
    parents: dict[str, str] = {}
    for line in text.splitlines():
        if found := re.match(r"(?P<indent>[│ ]*)[├└]── (?P<name>\w+)", line):
            path[len(found["indent"]) // 4 + 1 :] = [found["name"]]
            parents[found["name"]] = path[-2]
    return parents


def fail(detail: str) -> None:
    raise LookupError(detail)


def test_an_exception_becomes_words_with_its_traceback() -> None:
    with pytest.raises(LookupError) as caught:
        fail("no such row")
    problem = Problem.of(caught.value)
    assert (problem.type, problem.title, problem.detail) == ("LookupError", "The handler raised LookupError.", "no such row")
    assert problem.traceback is not None
    assert "in fail\n    raise LookupError(detail)\nLookupError: no such row" in problem.traceback


def test_a_problem_travels_as_json_and_leaves_out_what_it_lacks() -> None:
    problem = Problem("timeout", "The handler was over its time limit.")
    text = PROBLEM.dump_json(problem, exclude_none=True)
    assert text == b'{"type":"timeout","title":"The handler was over its time limit.","detail":""}'
    assert PROBLEM.validate_json(text) == problem


def test_errors_that_carry_something_say_it() -> None:
    unknown = OutcomeUnknown("no confirm within 5 s", "a1")
    assert (unknown.id, str(unknown)) == ("a1", "no confirm within 5 s; job a1 may or may not have been accepted")
    assert str(JobFailed(Problem("E", "Title.", "detail"))) == "E: detail"
    assert str(JobFailed(Problem("E", "Title."))) == "E: Title."
