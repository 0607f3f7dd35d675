"""What every store of records must do, asked of each: SQLite on a real file, and the one in memory that other tests use."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.envelope import Envelope, Reply, State
from shared.errors import Problem
from shared.record import Record
from shared.records import Accepted, Change, Ended, Query, Records, Started
from tests.support.known_job import Known
from tests.support.record_writes import done, found, job, store

IDS = count()
# One store serves all examples of a property: each example has ids of its own.
SHARED_STORE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# What is written is read.


def test_an_accepted_job_is_queued(records: Records) -> None:
    store(records, Accepted(job("a", tags=("red", "blue"))))
    expected = Record("a", "text.count", "default", State.QUEUED, 1_000, b'{"text":"a word"}', ("red", "blue"))
    assert records.get("a") == expected


def test_an_unknown_job_is_none(records: Records) -> None:
    store(records, Accepted(job("a")))
    assert records.get("b") is None
    assert records.get_many(["b", "a"]).keys() == {"a"}


def test_a_running_job_names_its_worker(records: Records) -> None:
    store(records, Accepted(job("a")), Started("a", "host:7", 2, 1_500))
    record = records.get("a")
    assert record is not None
    assert (record.state, record.worker, record.attempt, record.deliveries, record.started) == (State.RUNNING, "host:7", 2, 2, 1_500)


def test_a_job_never_seen_is_built_from_its_reply(records: Records) -> None:
    problem = Problem("timeout", "The handler took too long.", "60 s", 'Traceback\n  "…"')
    reply = Reply("a", "t", "q", State.DEAD, 5, None, problem, "w", 3, 4, 6, 7, ("x",))
    store(records, Ended(reply, args=b"{}"))
    assert records.get("a") == Record("a", "t", "q", State.DEAD, 5, b"{}", ("x",), 3, 4, "w", None, problem, 6, 7)


def test_one_write_may_hold_thousands_of_changes(records: Records) -> None:
    store(records, *(Accepted(job(f"{number}")) for number in range(2_345)))
    assert len(records.get_many(str(number) for number in range(2_345))) == 2_345


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.integers(0, 2**53)
replies = st.builds(
    Reply,
    id=st.builds(lambda: f"whole-{next(IDS)}"),
    type=text,
    queue=text,
    state=st.sampled_from([State.DONE, State.DEAD, State.CANCELLED, State.EXPIRED]),
    created=moments,
    reply=st.none() | st.binary(max_size=50),
    problem=st.none() | st.builds(Problem, text, text, text, st.none() | text),
    worker=text,
    attempt=st.integers(1, 100),
    deliveries=st.integers(1, 100),
    started=st.none() | moments,
    finished=st.none() | moments,
    tags=st.lists(text, max_size=4).map(tuple),
)


@SHARED_STORE
@given(reply=replies, args=st.none() | st.binary(max_size=50))
def test_every_member_comes_back_as_it_was(records: Records, reply: Reply, args: bytes | None) -> None:
    store(records, Ended(reply, args))
    assert records.get(reply.id) == Known(reply.id, ended=Ended(reply, args)).record


# The rules of merging.


def test_the_first_end_wins(records: Records) -> None:
    store(records, Accepted(job("a")))
    store(records, Ended(done("a", worker="first")))
    before = records.get("a")
    late = Reply("a", "other", "other", State.DEAD, 9, problem=Problem("late", "Too late."), worker="second", tags=("late",))
    store(records, Ended(late, args=b"[]"))
    assert before is not None
    assert before.worker == "first"
    assert records.get("a") == before


def test_the_first_end_wins_within_one_write(records: Records) -> None:
    store(records, *(Ended(done("a", worker=f"w{number}")) for number in range(5)))
    record = records.get("a")
    assert record is not None
    assert record.worker == "w0"


def test_a_late_acceptance_says_what_the_job_is_but_leaves_its_end(records: Records) -> None:
    store(records, Ended(done("a", created=0)))
    store(records, Accepted(job("a", created=1_000, tags=("red",))))
    record = records.get("a")
    assert record is not None
    assert (record.args, record.tags, record.created) == (b'{"text":"a word"}', ("red",), 1_000)
    assert (record.state, record.reply, record.finished) == (State.DONE, b'{"words":2}', 2_000)
    assert found(records, Query(tag="red")) == ["a"]


def test_a_late_start_changes_nothing(records: Records) -> None:
    store(records, Accepted(job("a")), Ended(done("a")))
    before = records.get("a")
    store(records, Started("a", "late", 9, 9_999))
    assert records.get("a") == before


def test_a_start_alone_is_no_record(records: Records) -> None:
    store(records, Started("a", "host:7", 1, 1_500))
    assert records.get("a") is None
    assert records.get_many(["a"]) == {}
    assert found(records) == []
    assert records.counts() == {}
    store(records, Accepted(job("a")))
    record = records.get("a")
    assert record is not None
    assert (record.state, record.worker) == (State.RUNNING, "host:7")


def test_every_order_of_a_job_s_life_gives_the_same_record(records: Records) -> None:
    results: set[Record | None] = set()
    for order in permutations(range(4)):
        job_id = f"life-{next(IDS)}"
        accepted, ended = Accepted(job(job_id, tags=("red",))), Ended(done(job_id, worker="w2"))
        life: list[Change] = [accepted, Started(job_id, "w1", 1, 1_100), Started(job_id, "w2", 2, 1_200), ended]
        for step in order:
            store(records, life[step])
        record = records.get(job_id)
        assert record is not None
        results.add(replace(record, id=""))
    assert len(results) == 1


def test_of_several_starts_the_last_counts_in_every_order(records: Records) -> None:
    for order in permutations(range(4)):
        job_id = f"starts-{next(IDS)}"
        told: list[Change] = [
            Started(job_id, "w1", 3, 10),
            Started(job_id, "w3", 1, 12),
            Started(job_id, "w2", 2, 12),
            Accepted(job(job_id)),
        ]
        for step in order:
            store(records, told[step])
        record = records.get(job_id)
        assert record is not None
        assert (record.worker, record.started, record.attempt, record.deliveries) == ("w3", 12, 3, 3)


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, list[list[Change]]]:
    """A job's changes, some of them twice, in any order, cut into writes anywhere; one kind of end at most."""
    job_id = f"life-{next(IDS)}"
    envelopes = [
        Envelope(job_id, f"t{made}", "q", b"%d" % made, made, tags=draw(tags)) for made in draw(st.sets(st.integers(1, 9), max_size=2))
    ]
    starts = draw(
        st.lists(st.builds(Started, st.just(job_id), st.sampled_from(["w1", "w2"]), st.integers(1, 3), st.integers(10, 13)), max_size=3)
    )
    ends = draw(st.lists(replies.map(lambda reply: Ended(reply._replace(id=job_id, tags=("end",)))), max_size=1))
    changes: list[Change] = [*map(Accepted, envelopes), *starts, *ends]
    again = draw(st.lists(st.sampled_from(changes), max_size=3)) if changes else []
    order = draw(st.permutations([*changes, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    return job_id, [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


tags = st.lists(st.sampled_from(["red", "blue"]), unique=True).map(tuple)


@SHARED_STORE
@given(life=lives())
def test_the_order_of_arrival_doesn_t_matter(records: Records, life: tuple[str, list[list[Change]]]) -> None:
    job_id, writes = life
    for write in writes:
        store(records, *write)
    changes = sorted((change for write in writes for change in write), key=repr)  # an order of its own
    known = Known(job_id)
    for change in changes:
        known = known.with_change(change)
    record = records.get(job_id)
    assert record == known.record
    for tag in ("red", "blue", "end"):
        tagged = record is not None and tag in record.tags
        assert (job_id in found(records, Query(tag=tag))) == tagged
