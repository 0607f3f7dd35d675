"""Matching replies to who waits for them, and reading them with the reply's own type."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import Future

import pytest
from pydantic import BaseModel

from producer.calls import Ledger, reply_value
from shared.envelope import Reply, State
from shared.errors import JobFailed, Problem, Unreadable
from shared.job import Job


class Counted(BaseModel):
    words: int


class Count(Job[Counted], name="test.count"):
    text: str


class Nothing(Job[None], name="test.nothing"):
    pass


def reply(id: str = "job-1", *, body: bytes | None = b'{"words":3}', problem: Problem | None = None) -> Reply:
    return Reply(id, "test.count", "default", State.DEAD if problem else State.DONE, 0, body, problem)


def test_a_reply_is_read_with_its_own_type() -> None:
    assert reply_value(Count(text="a b c"), reply()) == Counted(words=3)
    assert reply_value(Nothing(), reply(body=b"null")) is None


def test_a_problem_is_raised_with_all_its_words() -> None:
    problem = Problem("ValueError", "The handler raised ValueError.", "odd", "Traceback ...")
    with pytest.raises(JobFailed, match="ValueError: odd") as raised:
        reply_value(Count(text=""), reply(body=None, problem=problem))
    assert raised.value.problem is problem


@pytest.mark.parametrize("body", [b'{"words":"many"}', b"null", b"{", b""])
def test_a_reply_that_does_not_fit_is_unreadable_and_says_of_which_job(body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"job job-1 does not fit test\.count"):
        reply_value(Count(text=""), reply(body=body))


def test_each_reply_finds_its_own_waiter() -> None:
    ledger = Ledger()
    waiters = {str(number): ledger.enter(str(number), Future[Reply]()) for number in range(100)}
    for id in reversed(waiters):
        assert ledger.settle(reply(id))
    assert all(waiter.result(0).id == id for id, waiter in waiters.items())
    assert (len(ledger), ledger.unclaimed) == (0, 0)


def test_unknown_and_second_replies_are_dropped_and_counted() -> None:
    ledger = Ledger()
    waiter = ledger.enter("job-1", Future[Reply]())
    assert not ledger.settle(reply("foreign"))
    assert ledger.settle(reply(body=b"1"))
    assert not ledger.settle(reply(body=b"2"))
    assert ledger.unclaimed == 2
    assert waiter.result(0).reply == b"1"


async def test_one_who_gave_up_is_not_woken() -> None:
    ledger = Ledger()
    waiter: asyncio.Future[Reply] = ledger.enter("job-1", asyncio.get_running_loop().create_future())
    waiter.cancel()
    assert not ledger.settle(reply())
    assert ledger.unclaimed == 1


def test_a_handle_that_is_dropped_waits_no_more() -> None:
    ledger = Ledger()
    waiter = ledger.enter("job-1", Future[Reply]())
    kept = ledger.enter("job-2", Future[Reply]())
    del waiter
    gc.collect()
    assert len(ledger) == 1
    assert not ledger.settle(reply("job-1"))
    assert ledger.settle(reply("job-2"))
    assert kept.done()
