"""The record keeper acks a delivery when its record is safe, not before, and not instead."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from producer.web.keeper import Keeper
from shared.envelope import Reply, State
from shared.link import Delivery
from shared.message import Message
from shared.records import Change, Done
from shared.topology import Names
from shared.wire import pack_reply
from tests.support.memory_records import MemoryRecords
from tests.support.until import until

NAMES = Names("fairway")


class Channel:
    def __init__(self) -> None:
        self.is_open = True

    def ack(self, tag: int) -> None: ...
    def nack(self, tag: int) -> None: ...
    def flush(self) -> None: ...


class Acks(list[int]):
    """The tags that were acked, in order."""

    def take(self, delivery: Delivery) -> None:
        self.append(delivery.tag)


def delivery(tag: int, state: State = State.DONE, channel: Channel | None = None) -> Delivery:
    reply = Reply(f"job-{tag}", "test.greet", "front", state, 5, b"1", finished=6)
    return Delivery(NAMES.records, NAMES.replies, pack_reply(reply), False, 1, tag, channel or Channel())


def soon(_: int) -> float:
    return 0.001


@asynccontextmanager
async def keeping(records: MemoryRecords, acks: Acks) -> AsyncGenerator[Callable[[Sequence[Delivery]], None]]:
    keeper = Keeper(records, NAMES, acks.take, soon)
    keeper.start()
    try:
        yield keeper.subscription.receive
    finally:
        await keeper.stop(5)
        assert not keeper.running


async def test_what_came_is_recorded_and_then_acked() -> None:
    records, acks = MemoryRecords(), Acks()
    async with keeping(records, acks) as receive:
        receive([delivery(1), delivery(2)])
        receive([delivery(3)])
        await until(lambda: acks == [1, 2, 3])
    assert set(records.get_many(["job-1", "job-2", "job-3"])) == {"job-1", "job-2", "job-3"}


class Held(MemoryRecords):
    """Tells nobody that it has written until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Callable[[], None]] = []

    def write(self, changes: Sequence[Change], done: Done) -> None:
        super().write(changes, lambda error: self.told.append(lambda: done(error)))


async def test_nothing_is_acked_before_the_commit_and_more_gathers_meanwhile() -> None:
    records, acks = Held(), Acks()
    async with keeping(records, acks) as receive:
        receive([delivery(1)])
        await until(lambda: len(records.told) == 1)
        receive([delivery(2)])
        receive([delivery(3)])
        assert acks == []
        records.told.pop()()
        await until(lambda: acks == [1] and len(records.told) == 1)  # 2 and 3 in one write
        records.told.pop()()
        await until(lambda: acks == [1, 2, 3])


async def test_a_store_that_is_away_keeps_them_unacked_until_it_is_back() -> None:
    records, acks = MemoryRecords(), Acks()
    tries: list[int] = []

    def counted(attempt: int) -> float:
        tries.append(attempt)
        return 0.001

    records.down = True
    keeper = Keeper(records, NAMES, acks.take, counted)
    keeper.start()
    keeper.subscription.receive([delivery(1)])
    await until(lambda: tries[:3] == [1, 2, 3])
    assert acks == []
    records.down = False
    await until(lambda: acks == [1])
    await keeper.stop(5)


async def test_what_no_store_can_hold_is_said_and_the_rest_is_kept() -> None:
    records, acks = MemoryRecords(), Acks()
    with structlog.testing.capture_logs() as said:
        async with keeping(records, acks) as receive:
            receive([delivery(1), delivery(2, State.RUNNING), delivery(3)])
            await until(lambda: acks == [1, 2, 3])
    assert [line["job"] for line in said if line["event"] == "records.unreadable"] == ["job-2"]
    assert set(records.get_many(["job-1", "job-2", "job-3"])) == {"job-1", "job-3"}


async def test_what_nobody_can_read_is_said_and_acked() -> None:
    records, acks = MemoryRecords(), Acks()
    broken = Delivery(NAMES.records, NAMES.replies, Message(b"payload"), False, 1, 1, Channel())
    with structlog.testing.capture_logs() as said:
        async with keeping(records, acks) as receive:
            receive([broken, delivery(2)])
            await until(lambda: acks == [1, 2])
    (line,) = (line for line in said if line["event"] == "records.unreadable")
    assert "payload" not in str(line)


async def test_deliveries_of_a_session_that_is_over_are_left_to_the_broker() -> None:
    records, acks, over = MemoryRecords(), Acks(), Channel()
    over.is_open = False
    async with keeping(records, acks) as receive:
        receive([delivery(1, channel=over), delivery(2)])
        await until(lambda: acks == [2])
    assert records.get("job-1") is None


async def test_the_end_does_not_wait_for_a_store_that_stays_away() -> None:
    records, acks = MemoryRecords(), Acks()
    records.down = True
    keeper = Keeper(records, NAMES, acks.take, soon)
    keeper.start()
    keeper.subscription.receive([delivery(1)])
    await keeper.stop(0.05)
    await until(lambda: not keeper.running)
    assert acks == []


async def test_what_came_before_the_end_is_still_kept() -> None:
    records, acks = MemoryRecords(), Acks()
    keeper = Keeper(records, NAMES, acks.take, soon)
    keeper.start()
    keeper.subscription.receive([delivery(1)])
    await until(lambda: True)
    await keeper.stop(5)
    assert acks == [1]


class Broken(MemoryRecords):
    """Has a defect."""

    def write(self, changes: Sequence[Change], done: Done) -> None:  # noqa: ARG002 - as the port says
        raise ZeroDivisionError


async def test_a_keeper_that_fails_for_an_unforeseen_reason_says_so_and_acks_nothing() -> None:
    acks = Acks()
    keeper = Keeper(Broken(), NAMES, acks.take, soon)
    with structlog.testing.capture_logs() as said:
        keeper.start()
        keeper.subscription.receive([delivery(1)])
        await until(lambda: not keeper.running)
    assert [line["event"] for line in said] == ["records.keeper_failed"]
    assert acks == []
