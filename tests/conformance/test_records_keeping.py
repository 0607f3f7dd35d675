"""What every store of records does besides reading and writing: waiters, sweeping, bad input, closing."""

from __future__ import annotations

import pytest

from shared.envelope import Reply, State
from shared.errors import RecordsDown, Unstorable
from shared.records import Accepted, Ended, Query, Records, Started
from tests.support.record_writes import Told, done, found, job, outcome, store


def test_changed_differs_after_a_commit_and_only_then(records: Records) -> None:
    store(records, Accepted(job("a")))
    before = records.changed()
    assert records.get("a") is not None
    assert records.changed() == before
    store(records, Ended(done("a")))
    assert records.changed() != before


def test_sweep_deletes_what_ended_before_oldest_first(records: Records) -> None:
    store(records, *(Accepted(job(f"{number}", tags=("red",))) for number in range(6)))
    store(records, *(Ended(done(f"{number}", finished=number)) for number in range(4)), Started("4", "w", 1, 0))
    assert records.sweep(3, limit=2) == 2
    assert found(records) == ["5", "4", "3", "2"]
    assert records.sweep(3, limit=2) == 1
    assert records.sweep(3, limit=2) == 0
    assert found(records) == found(records, Query(tag="red")) == ["5", "4", "3"]


def test_sweep_takes_any_number(records: Records) -> None:
    store(records, *(Ended(done(f"{number}")) for number in range(350)), Accepted(job("stays")))
    assert records.sweep(2_001, limit=1_000) == 350
    assert found(records) == ["stays"]


def test_sweep_takes_an_end_without_a_time_and_a_start_without_a_job(records: Records) -> None:
    store(records, Ended(Reply("a", "t", "q", State.EXPIRED, 10)), Started("b", "w", 1, 10))
    assert records.sweep(10, limit=10) == 0
    assert records.sweep(11, limit=10) == 2
    store(records, Accepted(job("b")))
    record = records.get("b")
    assert record is not None
    assert record.state is State.QUEUED


def test_what_can_t_be_stored_fails_alone(records: Records) -> None:
    no_end = Ended(done("bad")._replace(state=State.RUNNING))
    told = [Told() for _ in range(5)]
    for number, each in enumerate(told):
        changes = (Accepted(job("with bad")), no_end) if number == 2 else (Accepted(job(f"{number}")),)
        records.write(changes, each)
    errors = [each.wait() for each in told]
    assert [type(error) for error in errors] == [type(None), type(None), Unstorable, type(None), type(None)]
    assert set(found(records)) == {"0", "1", "3", "4"}


def test_a_write_of_nothing_is_told_too(records: Records) -> None:
    assert outcome(records) is None


def test_close_writes_what_waits_and_then_all_is_down(records: Records) -> None:
    told = [Told() for _ in range(200)]
    for number, each in enumerate(told):
        records.write((Accepted(job(f"{number}")),), each)
    records.close()
    records.close()
    assert [each.answers for each in told] == [[None]] * 200
    assert isinstance(outcome(records, Accepted(job("late"))), RecordsDown)
    for ask in (lambda: records.get("0"), records.counts, records.changed, lambda: records.sweep(1, 1)):
        with pytest.raises(RecordsDown):
            ask()
