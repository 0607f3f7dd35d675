"""`Message` to pika's properties and back, whatever a broker may carry."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pika.spec import Basic, BasicProperties

from shared.errors import Problem, Unreadable
from shared.link.codec import delivery_of, message_of, properties_of
from shared.message import Message
from shared.wire import dead_letter, handed_back, unpack_job
from tests.support.deliveries import Session

SHORT = st.text(max_size=60)
MESSAGES = st.builds(
    Message,
    st.binary(max_size=50),
    SHORT,
    SHORT,
    SHORT,
    st.none() | SHORT.filter(bool),
    st.none() | st.integers(0, 2**63 - 1),
    st.dictionaries(SHORT, st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1), max_size=4),
    SHORT.filter(bool),
    SHORT,
    st.booleans(),
)


def over_the_wire(properties: BasicProperties) -> BasicProperties:
    return BasicProperties().decode(b"".join(properties.encode()))


@given(MESSAGES)
def test_a_message_comes_back_as_it_went(message: Message) -> None:
    assert message_of(over_the_wire(properties_of(message)), message.body) == message


# What pika makes of the fields of a table and of short strings (at most 255 bytes), valid or not.
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary() | st.decimals(allow_nan=False) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT | st.binary(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["fairway-v", "fairway-attempt", "fairway-created", "fairway-tags", "traceparent", "x-delivery-count", "CC", "x"])
TEXTS = st.none() | st.text(max_size=63) | st.binary(max_size=255) | st.sampled_from(["application/json", "some.job", "r.me", "job-1"])
PROPERTIES = st.builds(
    BasicProperties,
    content_type=TEXTS,
    content_encoding=TEXTS,
    headers=st.none() | st.dictionaries(NAMES | st.binary(max_size=9), VALUES, max_size=5),
    delivery_mode=st.none() | st.integers(0, 255),
    correlation_id=TEXTS,
    reply_to=TEXTS,
    message_id=TEXTS,
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    type=TEXTS,
)


@given(PROPERTIES, st.binary(max_size=20))
def test_whatever_comes_is_a_job_or_unreadable_and_can_be_sent_on(properties: BasicProperties, body: bytes) -> None:
    delivery = delivery_of("q", Session(), Basic.Deliver("tag", 1, True, "exchange", "key"), properties, body)
    assert delivery.deliveries >= 1
    try:
        assert unpack_job(delivery.message, "q").id == delivery.message.id
    except Unreadable as error:
        problem = Problem("unreadable", "The message is not a job.", str(error))
        over_the_wire(properties_of(dead_letter(delivery.message, problem, queue="q", worker="worker", recorded=False)))
    else:
        over_the_wire(properties_of(handed_back(delivery.message)))


def test_bytes_that_are_no_utf8_become_a_text_of_the_same_length_that_no_check_lets_through() -> None:
    as_pika_gives_them: dict[str, Any] = {"message_id": b"\xff" * 255, "type": b"caf\xe9"}
    message = message_of(BasicProperties(**as_pika_gives_them), b"")
    assert (message.id, message.type) == ("?" * 255, "caf?")


def test_how_often_it_was_handed_out_is_what_the_broker_counted() -> None:
    def deliveries(headers: dict[str, Any] | None) -> int:
        return delivery_of(
            "q", Session(), Basic.Deliver(delivery_tag=1, redelivered=True), BasicProperties(headers=headers), b""
        ).deliveries

    assert [deliveries({"x-delivery-count": count}) for count in (0, 1, 7)] == [1, 2, 8]
    assert [deliveries(headers) for headers in (None, {}, {"x-delivery-count": "many"}, {"x-delivery-count": -3})] == [1, 1, 1, 1]
