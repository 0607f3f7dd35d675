"""The wire format: what goes in comes out, and whatever else comes in is unreadable, never a crash."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Envelope, Reply, State
from shared.errors import PROBLEM, Problem, Unreadable
from shared.message import Message
from shared.wire import (
    ID,
    LAST_MS,
    LONGEST_HEADERS,
    LONGEST_PROBLEM,
    TAG,
    dead_letter,
    handed_back,
    own_headers,
    pack_job,
    pack_reply,
    unpack_job,
    unpack_reply,
)

MILLIS = st.integers(0, 253_402_300_799_999)
COUNTS = st.integers(1, 10_000)
IDS = st.from_regex(ID, fullmatch=True)
TYPES = st.sampled_from(["text.count", "a", "image.thumb-nail.x_1"])
QUEUES = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
TAGS = st.lists(st.from_regex(TAG, fullmatch=True), max_size=5).map(tuple)
TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value, separators=(",", ":")).encode())
PROBLEMS = st.builds(Problem, TEXT, TEXT, TEXT, st.none() | TEXT)

ENVELOPES = st.builds(
    Envelope, IDS, TYPES, QUEUES, JSON, MILLIS, COUNTS, st.none() | st.from_regex(r"r\.[a-z0-9-]{1,64}", fullmatch=True), TAGS
)
ENDED = st.builds(
    Reply,
    id=IDS,
    type=TYPES,
    queue=QUEUES,
    state=st.sampled_from(State),
    created=MILLIS,
    reply=st.none(),
    problem=st.none(),
    worker=TEXT,
    attempt=COUNTS,
    deliveries=COUNTS,
    started=st.none() | MILLIS,
    finished=st.none() | MILLIS,
    tags=TAGS,
)
REPLIES = st.one_of(
    st.builds(lambda ended, reply: ended._replace(reply=reply), ENDED, JSON),
    st.builds(lambda ended, problem: ended._replace(problem=problem), ENDED, PROBLEMS),
)

# Whatever pika may hand out of a message that somebody put onto a queue (pika.data.decode_value).
FOREIGN: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64), TEXT, st.binary(max_size=8), st.floats(), st.datetimes(),
    st.decimals(allow_nan=True), st.lists(st.integers(), max_size=2), st.dictionaries(TEXT, st.integers(), max_size=2),
)  # fmt: skip
OURS = st.sampled_from(
    [f"fairway-{name}" for name in ("v", "queue", "attempt", "created", "tags", "state", "worker", "deliveries", "started", "finished")]
)
HEADERS: st.SearchStrategy[Any] = st.dictionaries(OURS | TEXT, FOREIGN | st.sampled_from([1, "done", "dead"]), max_size=6)
BODIES = (
    st.binary(max_size=40) | JSON | st.sampled_from([b'{"reply":1}', b'{"problem":{}}', b'{"problem":}', b'{ "problem": 3}', b"[" * 5000])
)
GARBAGE = st.builds(
    Message,
    body=BODIES,
    id=TEXT | IDS,
    type=TEXT | TYPES,
    correlation_id=TEXT,
    reply_to=st.none() | TEXT | st.just("r.me"),
    timestamp=st.none() | st.integers(-(2**63), 2**64 - 1),
    headers=HEADERS,
    content_type=st.just("application/json") | TEXT,
    content_encoding=st.just("") | TEXT,
    persistent=st.booleans(),
)


def envelope(**fields: Any) -> Envelope:
    return Envelope("a1", "text.count", "q", b"{}", 1_700_000_000_250)._replace(**fields)


@given(ENVELOPES)
def test_a_job_survives_the_way_there(job: Envelope) -> None:
    assert unpack_job(pack_job(job), job.queue) == job


@given(REPLIES)
def test_a_reply_survives_the_way_back(reply: Reply) -> None:
    assert unpack_reply(pack_reply(reply)) == reply


@given(ENVELOPES | st.none(), REPLIES)
def test_what_is_packed_is_what_pika_can_encode(job: Envelope | None, reply: Reply) -> None:
    message = pack_reply(reply) if job is None else pack_job(job)
    assert all(type(value) in (str, int) for value in message.headers.values())
    assert message.persistent
    assert message.timestamp is None or type(message.timestamp) is int


@given(GARBAGE)
def test_whatever_lies_on_a_work_queue_is_a_job_or_unreadable(message: Message) -> None:
    try:
        job = unpack_job(message, "q")
    except Unreadable:
        return
    assert unpack_job(pack_job(job), "q") == job


@given(GARBAGE)
def test_whatever_comes_to_a_reply_queue_is_a_reply_or_unreadable(message: Message) -> None:
    try:
        reply = unpack_reply(message)
    except Unreadable:
        return
    assert reply.problem is None or reply.reply is None


def test_a_job_made_by_hand_needs_only_type_and_message_id() -> None:
    before = time.time_ns() // 1_000_000
    job = unpack_job(Message(b'{"text":"x"}', id="by-hand-1", type="text.count"), "texts")
    assert job == Envelope("by-hand-1", "text.count", "texts", b'{"text":"x"}', job.created, 1, None, ())
    assert before <= job.created <= time.time_ns() // 1_000_000


def test_the_timestamp_stands_in_for_the_time_of_making() -> None:
    assert unpack_job(Message(b"", id="a", type="b", timestamp=1_700_000_000), "q").created == 1_700_000_000_000


def test_the_queue_is_where_the_message_came_from_not_what_it_says() -> None:
    assert unpack_job(pack_job(envelope(queue="told")), "true").queue == "true"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"headers": {"fairway-v": 2}}, "wire version 2"),
        ({"content_type": "text/plain"}, "content type 'text/plain'"),
        ({"content_encoding": "gzip"}, "content encoding 'gzip'"),
        ({"id": ""}, "message_id ''"),
        ({"id": "a b"}, "message_id 'a b'"),
        ({"id": "a" * 129}, "message_id"),
        ({"type": ""}, "type ''"),
        ({"type": "Text"}, "type 'Text'"),
        ({"reply_to": "amq.rabbitmq.reply-to"}, "reply_to"),
        ({"reply_to": "fairway.records"}, "reply_to"),
        ({"headers": {"fairway-attempt": "2"}}, "fairway-attempt"),
        ({"headers": {"fairway-attempt": True}}, "fairway-attempt"),
        ({"headers": {"fairway-attempt": -1}}, "fairway-attempt"),
        ({"headers": {"fairway-created": 2**62}}, "fairway-created"),
        ({"timestamp": 2**63 - 1}, "fairway-created"),
        ({"headers": {"fairway-tags": ["a"]}}, "fairway-tags"),
    ],
)
def test_a_message_that_is_no_job_says_why(change: dict[str, Any], reason: str) -> None:
    message = Message(b"{}", id="a", type="b")._replace(**change)
    with pytest.raises(Unreadable, match=reason):
        unpack_job(message, "q")


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"problem":1}', b'{"problem":{"type":"x"}}', b"[" * 5000, b"\xff"])
def test_a_body_that_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack_reply(Message(body, correlation_id="a", headers={"fairway-state": "done"}))


def test_a_reply_without_a_known_state_is_unreadable() -> None:
    for headers in ({}, {"fairway-state": "asleep"}):
        with pytest.raises(Unreadable):
            unpack_reply(Message(b'{"reply":1}', headers=headers))


def test_a_problem_made_by_hand_is_read_whatever_its_spaces() -> None:
    body = b'{ "problem" : {"type": "x", "title": "X."} }'
    assert unpack_reply(Message(body, headers={"fairway-state": "dead"})).problem == Problem("x", "X.")


def test_headers_that_a_broker_would_act_on_are_dropped() -> None:
    headers = {
        "fairway-attempt": 2,
        "traceparent": "00-a-b-01",
        "x-death": "x",
        "x-delivery-count": 9,
        "CC": "x",
        "BCC": "x",
        "fairway-odd": b"bytes",
        "Fairway-V": 1,
    }
    assert own_headers(headers) == {"fairway-attempt": 2, "traceparent": "00-a-b-01"}
    job = pack_job(envelope())
    assert handed_back(job._replace(headers={**job.headers, "x-death": "x"})) == job


def test_a_dead_letter_is_the_job_itself_with_its_problem_in_a_header() -> None:
    job = pack_job(envelope(reply_to="r.me"))
    letter = dead_letter(
        job._replace(headers={**job.headers, "x-death": "x"}),
        Problem("E", "Bad.", "detail", "trace"),
        queue="q",
        worker="w1",
        recorded=True,
    )
    assert (letter.body, letter.id, letter.type, letter.reply_to) == (job.body, job.id, job.type, None)
    assert letter.headers == {
        **job.headers,
        "fairway-problem": '{"type":"E","title":"Bad.","detail":"detail"}',
        "fairway-worker": "w1",
        "fairway-recorded": True,
    }
    assert unpack_job(letter, "q") == envelope(reply_to=None)


@given(GARBAGE, st.dictionaries(st.binary(max_size=3), FOREIGN, max_size=2), PROBLEMS)
def test_whatever_it_is_it_can_be_sent_to_the_dead_letters(message: Message, odd: Any, problem: Problem) -> None:
    letter = dead_letter(message._replace(headers={**message.headers, **odd}), problem, queue="q", worker="w", recorded=False)
    assert letter.body == message.body
    assert {type(name) for name in letter.headers} == {str}
    assert {type(value) for value in letter.headers.values()} <= {str, int, bool}
    assert letter.timestamp is None or 0 <= letter.timestamp * 1000 <= LAST_MS


def test_headers_that_would_end_the_connection_are_left_behind() -> None:
    message = Message(b"", headers={"fairway-tags": "x" * LONGEST_HEADERS, "fairway-attempt": 2})
    letter = dead_letter(message, Problem("E", "Bad."), queue="q", worker="w", recorded=False)
    assert letter.headers.keys() == {"fairway-attempt", "fairway-queue", "fairway-problem", "fairway-worker"}
    assert handed_back(message).headers == {"fairway-attempt": 2}


@given(PROBLEMS, st.integers(1, 4000))
def test_the_problem_of_a_dead_letter_stays_short_and_readable(problem: Problem, times: int) -> None:
    long = Problem(problem.type * times, problem.title * times, problem.detail * times)
    text = dead_letter(pack_job(envelope()), long, queue="q", worker="w", recorded=False).headers["fairway-problem"]
    assert isinstance(text, str)
    assert len(text.encode()) <= LONGEST_PROBLEM
    assert long.type.startswith(PROBLEM.validate_json(text).type)
