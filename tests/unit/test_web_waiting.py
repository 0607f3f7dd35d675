"""Who waits for a job is woken by the push of its reply, or by its record, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

import pytest

from producer.aio import Client
from producer.calls import Ledger
from producer.web import waiting as module
from producer.web.waiting import EVERY, LONGEST_REST, Waiting, finished, rest_after
from shared.envelope import Envelope, Reply, State
from shared.record import Record
from shared.records import Accepted, Ended
from tests.support.memory_records import MemoryRecords
from tests.support.until import until

JOB = Envelope("1", "test.greet", "front", b'{"name":"Ada"}', 5)
REPLY = Reply("1", "test.greet", "front", State.DONE, 5, b'"hello"', worker="w1", deliveries=2, started=6, finished=7)


class Replies:
    """The part of a client that matters here: replies matched to futures."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def expect(self, id: str) -> asyncio.Future[Reply]:
        return self.ledger.enter(id, asyncio.get_running_loop().create_future())


def waiting_with(records: MemoryRecords | None, replies: Replies | None = None) -> Waiting:
    return Waiting(cast("Client", replies or Replies()), records)


def write(records: MemoryRecords, *changes: Accepted | Ended) -> None:
    records.write(changes, lambda _: None)


async def test_the_push_wakes_also_where_no_records_are_kept() -> None:
    replies = Replies()
    with waiting_with(None, replies).on("1") as wait:
        asyncio.get_running_loop().call_soon(replies.ledger.settle, REPLY)
        assert await wait.ended(10) == REPLY


async def test_the_record_wakes_where_the_push_went_elsewhere() -> None:
    records = MemoryRecords()
    with waiting_with(records).on("1") as wait:
        write(records, Accepted(JOB))
        write(records, Ended(REPLY))
        assert await wait.ended(10) == REPLY


async def test_a_job_that_had_ended_before_anybody_waited_is_not_waited_for() -> None:
    records = MemoryRecords()
    write(records, Accepted(JOB), Ended(REPLY))
    waiting = waiting_with(records)
    with waiting.on("other"):
        await asyncio.sleep(0)
        with waiting.on("1") as wait:
            assert await wait.ended(10) == REPLY


async def test_all_who_wait_for_one_job_are_woken() -> None:
    replies = Replies()
    waiting = waiting_with(MemoryRecords(), replies)

    async def one() -> Reply | None:
        with waiting.on("1") as wait:
            return await wait.ended(10)

    many = [asyncio.create_task(one()) for _ in range(20)]
    await until(lambda: len(replies.ledger) == 1)
    replies.ledger.settle(REPLY)
    assert await asyncio.gather(*many) == [REPLY] * 20


async def test_one_who_gives_up_leaves_the_others_waiting() -> None:
    replies = Replies()
    waiting = waiting_with(None, replies)
    with waiting.on("1") as patient:
        with waiting.on("1") as hasty:
            assert await hasty.ended(0.001) is None
        replies.ledger.settle(REPLY)
        assert await patient.ended(10) == REPLY


async def test_the_poller_lives_as_long_as_somebody_waits_and_survives_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.001)
    records = MemoryRecords()
    records.down = True
    waiting = waiting_with(records)
    with waiting.on("1") as wait:
        assert await wait.ended(0.02) is None
        records.down = False
        write(records, Accepted(JOB), Ended(REPLY))
        assert await wait.ended(10) == REPLY
    await until(lambda: waiting._poller is None)  # noqa: SLF001


async def test_at_the_end_everybody_is_let_go() -> None:
    waiting = waiting_with(MemoryRecords())
    with waiting.on("1") as wait:
        asyncio.get_running_loop().call_soon(waiting.finish)
        assert await wait.ended(10) is None
    assert waiting.granted(10, 25) == 0


async def test_a_wait_has_a_limit_and_so_has_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITERS", 2)
    waiting = waiting_with(None)
    assert (waiting.granted(99, 25), waiting.granted(3, 25)) == (25, 3)
    with waiting.on("1"), waiting.on("1"):
        assert waiting.granted(3, 25) == 0
    assert waiting.granted(3, 25) == 3


def test_a_finished_record_has_what_the_reply_says_and_what_was_known() -> None:
    record = finished(Record("1", "test.greet", "front", State.QUEUED, 5, JOB.args, ("a",)), REPLY)
    assert (record.state, record.worker, record.deliveries, record.reply) == (State.DONE, "w1", 2, b'"hello"')
    assert (record.args, record.tags, record.created) == (JOB.args, ("a",), 5)


class Odd(MemoryRecords):
    """Holds a row that can't be read, once."""

    def __init__(self) -> None:
        super().__init__()
        self.odd = True

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        if self.odd:
            self.odd = False
            raise ValueError("a row of another version")
        return super().get_many(ids)


async def test_a_look_that_failed_for_an_unforeseen_reason_is_not_the_last_one() -> None:
    records = Odd()
    write(records, Accepted(JOB), Ended(REPLY))
    waiting = waiting_with(records)
    with waiting.on("other"):
        await until(lambda: not records.odd)
    with waiting.on("1") as wait:
        assert await wait.ended(10) == REPLY


@pytest.mark.parametrize(("took", "rest"), [(0.0, EVERY), (0.01, 0.1), (5.0, LONGEST_REST)])
def test_the_poller_rests_longer_after_a_long_look_but_not_without_bound(took: float, rest: float) -> None:
    assert rest_after(took) == pytest.approx(rest)
