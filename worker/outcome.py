"""How one attempt ended: a closed set. Decided here, carried out in `worker.settlement`. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Problem, Reject
from worker.executor import ChildDied, HandlerFailed, ReplyTooLarge, TimedOut


@dataclass(frozen=True, slots=True)
class Done:
    """The handler returned; `reply` is its reply as JSON."""

    reply: bytes


@dataclass(frozen=True, slots=True)
class Dead:
    """The job ends without a reply and goes to the dead letters."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Not finished because this worker is leaving; nobody's fault, no attempt spent."""


Outcome = Done | Dead | GivenBack


def judge_reply(reply: bytes, limit: int) -> Done | Dead:
    """`limit` in bytes: a result over it can't travel."""
    if len(reply) <= limit:
        return Done(reply)
    return judge(ReplyTooLarge(len(reply), limit))


def judge(error: BaseException) -> Dead:
    """What becomes of a job whose attempt raised `error`."""
    match error:
        case Reject():
            return Dead(Problem("rejected", "The job can never succeed.", str(error)))
        case TimedOut():
            return Dead(Problem("timeout", "The handler was over its time limit.", str(error)))
        case ChildDied():
            return Dead(Problem("child_died", "The child process that ran the handler ended.", str(error)))
        case ReplyTooLarge():
            return Dead(Problem("reply_too_large", "The reply is over the size limit.", str(error)))
        case HandlerFailed(name=name, detail=detail, traceback=traceback):
            return Dead(Problem.raised(name, detail, traceback))
        case _:
            return Dead(Problem.of(error))


def unknown_type(name: str) -> Dead:
    """No handler here for a job type."""
    detail = f"no handler for {name!r} in this worker (FAIRWAY_HANDLERS)"
    return Dead(Problem("unknown_type", "No handler is known for the job's type.", detail))
