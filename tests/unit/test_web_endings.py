"""What the records queue says of a job's end: replies, the workers' dead letters, and the broker's own."""

from __future__ import annotations

from typing import Any

import pytest

from producer.web.endings import ending_of
from shared.envelope import Reply, State
from shared.errors import Problem, Unreadable
from shared.link import Delivery
from shared.message import Message
from shared.records import Ended
from shared.topology import DELIVERY_LIMIT, Names
from shared.wire import dead_letter, pack_reply

NAMES = Names("fairway")
NOW = 1_800_000_000_000
JOB = Message(b'{"name": "Ada"}', id="job-1", type="test.greet", timestamp=1_700_000_000, headers={"fairway-queue": "front"})


class Channel:
    is_open = True

    def ack(self, tag: int) -> None: ...
    def nack(self, tag: int) -> None: ...
    def flush(self) -> None: ...


def told(exchange: str, message: Message) -> Ended | None:
    return ending_of(Delivery("fairway.records", exchange, message, False, 1, 1, Channel()), NAMES, NOW)


def ending(exchange: str, message: Message) -> Ended:
    found = told(exchange, message)
    assert found is not None
    return found


def dead(**headers: Any) -> Ended:
    return ending("fairway.dead", JOB._replace(headers={**JOB.headers, **headers}))


def test_a_reply_is_what_it_says() -> None:
    reply = Reply("job-1", "test.greet", "front", State.DONE, 5, b'"hello"', worker="w", started=6, finished=7, tags=("a",))
    assert ending("fairway.replies", pack_reply(reply)) == Ended(reply)


def test_a_workers_dead_letter_brings_its_problem_and_the_arguments() -> None:
    problem = Problem("unknown_type", "No handler.", "here")
    found = ending("fairway.dead", dead_letter(JOB, problem, queue="front", worker="worker-1", recorded=False))
    assert found.args == JOB.body
    assert found.reply == Reply("job-1", "test.greet", "front", State.DEAD, 1_700_000_000_000, None, problem, "worker-1", finished=NOW)


@pytest.mark.parametrize(("reason", "type"), [("delivery_limit", "crashed"), ("rejected", "dead_lettered"), ("expired", "dead_lettered")])
def test_the_brokers_dead_letter_says_why(reason: str, type: str) -> None:
    found = dead(**{"x-first-death-reason": reason, "x-first-death-queue": "fairway.q.front", "x-delivery-count": 3}).reply
    assert found.problem is not None
    deliveries = DELIVERY_LIMIT + 1 if reason == "delivery_limit" else 1  # the header counts for the records queue
    assert (found.state, found.problem.type, found.deliveries, found.queue) == (State.DEAD, type, deliveries, "front")


def test_a_dead_letter_whose_problem_was_told_whole_is_not_told_short() -> None:
    letter = dead_letter(JOB, Problem("E", "Bad."), queue="front", worker="worker-1", recorded=True)
    assert told("fairway.dead", letter) is None


def test_a_job_made_by_hand_gets_its_queue_from_where_it_died() -> None:
    message = Message(b"{}", id="job-1", type="test.greet", headers={"x-first-death-queue": "fairway.q.front"})
    assert ending("fairway.dead", message).reply.queue == "front"


def test_arguments_that_are_no_json_are_left_out() -> None:
    found = ending("fairway.dead", JOB._replace(body=b"\xff\xfe"))
    assert (found.reply.id, found.args) == ("job-1", None)


@pytest.mark.parametrize(
    "headers",
    [
        {"fairway-problem": "no json"},
        {"fairway-problem": 5},
        {"fairway-problem": None},
        {"fairway-created": "soon", "fairway-attempt": -1, "x-delivery-count": True, "fairway-tags": ["a"]},
        {"fairway-created": 2**63},
        {"fairway-queue": 7},
    ],
)
def test_nonsense_in_a_header_keeps_nobody_from_the_rest(headers: dict[str, Any]) -> None:
    found = dead(**headers).reply
    assert (found.id, found.state) == ("job-1", State.DEAD)
    assert found.problem is not None


@pytest.mark.parametrize("id", ["", "with space", "x" * 129])
def test_a_dead_letter_of_no_job_is_unreadable(id: str) -> None:
    with pytest.raises(Unreadable, match="message_id"):
        ending("fairway.dead", JOB._replace(id=id))


@pytest.mark.parametrize("message", [Message(b"nonsense"), Message(b'{"reply":1}', correlation_id="x", headers={"fairway-state": "lost"})])
def test_what_is_no_reply_is_unreadable(message: Message) -> None:
    with pytest.raises(Unreadable):
        ending("fairway.replies", message)
