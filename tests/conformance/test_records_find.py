"""Finding records, in every store: each filter, newest first, page by page."""

from __future__ import annotations

import pytest

from shared.envelope import Envelope, State
from shared.record import Record
from shared.records import Accepted, Ended, Page, Query, Records, Started
from tests.support.record_writes import done, found, job, store


def listed(records: Records, query: Query, limit: int) -> list[Record]:
    """All pages."""
    page = records.find(query, None, limit)
    items = list(page.items)
    while page.next is not None:
        assert len(page.items) == limit
        page = records.find(query, page.next, limit)
        items += page.items
    return items


COLOURS = (None, "red", "blue", "none has it")
QUERIES = [
    Query(state, kind, queue, tag)
    for state in (None, State.QUEUED, State.DONE, State.DEAD)
    for kind in (None, "a.one", "a.two")
    for queue in (None, "q1", "q2")
    for tag in COLOURS
]


def test_each_filter_finds_its_records_newest_first(records: Records) -> None:
    for number in range(60):  # four in each millisecond; ids that sort against their creation
        envelope = Envelope(
            id=f"{'zyx'[number % 3]}-{number:03}",
            type=("a.one", "a.two")[number % 2],
            queue=("q1", "q2")[number // 2 % 2],
            args=b"{}",
            created=number // 4,
            tags=((), ("red",), ("red", "blue"))[number % 3],
        )
        ends = [Ended(done(envelope.id))] if number % 5 == 0 else []
        store(records, Accepted(envelope), *ends)
    everything = [record for each in found(records) if (record := records.get(each)) is not None]
    assert len(everything) == 60
    assert everything == sorted(everything, key=lambda record: (record.created, record.id), reverse=True)
    for query in QUERIES:
        expected = [
            record
            for record in everything
            if query.state in {None, record.state}
            and query.type in {None, record.type}
            and query.queue in {None, record.queue}
            and (query.tag is None or query.tag in record.tags)
        ]
        for limit in (1, 7, 1000):
            assert listed(records, query, limit) == expected, query


def test_a_record_that_comes_between_two_pages_moves_nothing(records: Records) -> None:
    store(records, *(Accepted(job(f"{number}", created=number)) for number in range(4)))
    first = records.find(Query(), None, 2)
    store(records, Accepted(job("new", created=99)))
    second = records.find(Query(), first.next, 2)
    assert [record.id for record in first.items + second.items] == ["3", "2", "1", "0"]
    assert second.next is None


def test_a_page_that_is_just_full_is_the_last(records: Records) -> None:
    store(records, Accepted(job("a")), Accepted(job("b")))
    assert records.find(Query(), None, 2).next is None
    assert records.find(Query(queue="empty"), None, 2) == Page((), None)


@pytest.mark.parametrize("cursor", ["", "%%%", "bm8", "WzEsMl0", "WyJhIiwiYiJd", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LCJhIl0", "é"])
def test_what_is_no_cursor_is_refused(records: Records, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        records.find(Query(), cursor, 10)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_bounds_is_refused(records: Records, limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        records.find(Query(), None, limit)


def test_counts_are_by_queue_and_state(records: Records) -> None:
    store(records, Accepted(job("a", queue="q1")), Accepted(job("b", queue="q1")), Accepted(job("c", queue="q2")))
    store(records, Ended(done("b")), Started("c", "w", 1, 1), Started("unknown", "w", 1, 1))
    assert records.counts() == {"q1": {State.QUEUED: 1, State.DONE: 1}, "q2": {State.RUNNING: 1}}
