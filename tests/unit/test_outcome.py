"""From what an attempt raised or returned to its outcome: a closed set, with a problem that says which."""

from __future__ import annotations

import pytest

from shared.errors import Reject
from worker.executor import ChildDied, HandlerFailed, ReplyTooLarge, TimedOut
from worker.outcome import Dead, Done, judge, judge_reply, unknown_type


@pytest.mark.parametrize(
    ("error", "type", "detail"),
    [
        (Reject("no such customer"), "rejected", "no such customer"),
        (TimedOut("over its time limit of 5 s"), "timeout", "over its time limit of 5 s"),
        (ChildDied("killed by SIGKILL"), "child_died", "killed by SIGKILL"),
        (ReplyTooLarge(11, 10), "reply_too_large", "11 bytes"),
        (HandlerFailed("KeyError", "'x'", "Traceback ..."), "KeyError", "'x'"),
        (ValueError("odd"), "ValueError", "odd"),
        (TimeoutError("the handler's own"), "TimeoutError", "the handler's own"),
    ],
)
def test_each_error_has_its_problem(error: Exception, type: str, detail: str) -> None:
    problem = judge(error).problem
    assert problem.type == type
    assert detail in problem.detail


def test_a_handlers_error_brings_its_traceback_and_others_have_none() -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("odd")
    assert "test_outcome" in (judge(raised.value).problem.traceback or "")
    assert judge(HandlerFailed("KeyError", "'x'", "Traceback of a child")).problem.traceback == "Traceback of a child"
    assert judge(TimedOut("late")).problem.traceback is None


def test_a_reply_at_its_limit_is_done_and_over_it_dead() -> None:
    assert judge_reply(b"x" * 10, 10) == Done(b"x" * 10)
    over = judge_reply(b"x" * 11, 10)
    assert isinstance(over, Dead)
    assert over.problem.type == "reply_too_large"
    assert "FAIRWAY_BODY_LIMIT" in over.problem.detail


def test_an_unknown_type_is_named() -> None:
    assert "'no.such'" in unknown_type("no.such").problem.detail
