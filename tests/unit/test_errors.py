"""Errors as words: what travels, and what a caller reads."""

from __future__ import annotations

import pytest

from shared import errors
from shared.errors import PROBLEM, FairwayError, JobFailed, OutcomeUnknown, Problem


def test_every_error_of_ours_is_in_the_tree_and_the_tree_is_drawn() -> None:
    ours = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert all(issubclass(getattr(errors, name), FairwayError) for name in ours)
    drawn = {line.split()[1] for line in (errors.__doc__ or "").splitlines() if line.strip().startswith(("├", "└"))}
    assert drawn == ours - {"FairwayError"}


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
