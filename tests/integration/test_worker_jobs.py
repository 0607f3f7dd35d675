"""A worker as a process: jobs in, replies and dead letters out, and who it says it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pika.spec import BasicProperties
from pydantic_core import from_json

from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.fleet import NAMES, Fleet, fleet_on
from tests.support.jobs import Boom, Echo, Hold, Note, Stain
from tests.support.poison import odd, poison
from tests.support.rabbit import Found


@pytest.fixture
def fleet(fresh_broker: Broker, tmp_path: Path) -> Iterator[Fleet]:
    with fleet_on(fresh_broker.amqp_url, tmp_path) as fleet:
        yield fleet


def test_a_job_runs_answers_and_is_gone(fleet: Fleet) -> None:
    worker = fleet.worker()
    ids = [fleet.submit(Echo(text=str(number)), tags=("a", "b")) for number in range(100)]
    replies = {reply.id: reply for reply in fleet.replies(100)}
    assert [replies[id].reply for id in ids] == [f'"{number}"'.encode() for number in range(100)]
    reply = replies[ids[0]]
    assert (reply.state.value, reply.worker, reply.attempt, reply.deliveries, reply.tags) == ("done", "one", 1, 1, ("a", "b"))
    assert reply.created <= (reply.started or 0) <= (reply.finished or 0)
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
    assert fleet.is_empty()
    assert worker.saw("worker.stopped")["done"] == 100


def test_what_a_job_leaves_in_its_context_is_not_there_for_the_next(fleet: Fleet) -> None:
    """One slot for two queues: most jobs are started by the last step of the one before."""
    for queue in ("default", "side") * 5:
        fleet.submit(Stain(colour="red"), queue=queue)
    fleet.worker(slots=1)
    assert [reply.reply for reply in fleet.replies(10)] == [b'"none"'] * 10


def test_poison_ends_in_the_dead_letters_as_unreadable_and_what_is_only_odd_runs(fleet: Fleet) -> None:
    worker = fleet.worker(slots=4)
    bad, fine = poison(b"it.echo"), odd(b"it.echo")
    for name, properties in {**bad, **fine}.items():
        fleet.rabbit.put(NAMES.work("default"), b'{"text":"%s"}' % name.encode(), properties=properties)
    good = fleet.submit(Note(place=fleet.home))
    dead = fleet.rabbit.take(NAMES.dead_of("default"), len(bad))
    assert {from_json(found.body)["text"] for found in dead} == set(bad)
    assert {problem_of(found)["type"] for found in dead} == {"unreadable"}
    replies = fleet.replies(len(fine) + 1)
    assert {reply.reply for reply in replies} == {b'"%s"' % text.encode() for text in (*fine, good)}
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
    assert fleet.is_empty()
    assert len(worker.events("link.connected")) == 2, "the poison cost a connection"


BAD_JOBS = {  # by id: type, body, problem
    "unknown": ("no.such", b"{}", "unknown_type"),
    "not-json": ("it.echo", b"{", "rejected"),
    "missing": ("it.echo", b"{}", "rejected"),
    "extra": ("it.echo", b'{"text":"","more":1}', "rejected"),
    "not-utf-8": ("it.echo", b'{"text":"\xff"}', "rejected"),
    "empty": ("it.echo", b"", "rejected"),
    "raises": ("it.boom", b"{}", "ValueError"),
    "much": ("it.big", b'{"size":5000}', "reply_too_large"),
}


def test_a_job_that_cannot_succeed_is_dead_with_its_problem_and_the_next_one_runs(fleet: Fleet) -> None:
    worker = fleet.worker(slots=4, body_limit=2000)
    for id, (type, body, _) in BAD_JOBS.items():
        fleet.rabbit.put(NAMES.work("default"), body, properties=BasicProperties(message_id=id, type=type))
    good = fleet.submit(Note(place=fleet.home))
    replies = {reply.id: reply for reply in fleet.replies(len(BAD_JOBS) + 1)}
    assert replies.pop(good).state.value == "done"
    problems = {found.properties.message_id: problem_of(found) for found in fleet.rabbit.take(NAMES.dead_of("default"), len(BAD_JOBS))}
    expected = {id: problem for id, (_, _, problem) in BAD_JOBS.items()}
    assert {id: problem["type"] for id, problem in problems.items()} == expected
    assert {id: reply.problem.type for id, reply in replies.items() if reply.problem} == expected
    assert "text: Field required" in problems["missing"]["detail"]
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
    assert fleet.is_empty()


def problem_of(found: Found) -> dict[str, str]:
    """The short problem that a dead letter carries."""
    problem: dict[str, str] = from_json(found.headers["fairway-problem"])
    return problem


def test_a_reply_that_the_broker_does_not_take_holds_the_ack_back(fleet: Fleet) -> None:
    fleet.rabbit.delete(NAMES.records)
    fleet.rabbit.queue(NAMES.records, x_max_length=1, x_overflow="reject-publish")
    fleet.rabbit.bind(NAMES.records, NAMES.replies, "#")
    worker = fleet.worker()
    eventually(lambda: fleet.submit(Note(place=fleet.home)) and worker.events("job.unsettled", reason="the broker refused it (nack)"))
    stuck = str(worker.events("job.unsettled")[0]["job"])
    assert stuck in fleet.runs
    worker.tell(signal.SIGKILL)
    worker.ended()
    back = [found.properties.message_id for found in fleet.rabbit.take(NAMES.work("default"), 1)]
    assert stuck in back, "it was acked before its reply was safe"


def test_it_says_each_second_that_it_is_there_and_what_it_does(fleet: Fleet) -> None:
    fleet.rabbit.queue("watch", x_queue_type="classic")
    for key in ("presence", "started"):
        fleet.rabbit.bind("watch", NAMES.events, key)
    ready = fleet.home / "ready"
    worker = fleet.worker(slots=6, ready_file=ready)
    held = fleet.submit(Hold(place=fleet.home))
    fleet.submit(Boom())
    seen: list[dict[str, object]] = []

    def told(kind: str, **fields: object) -> list[dict[str, object]]:
        seen.extend(from_json(found.body) for found in fleet.rabbit.take("watch"))
        return [event for event in seen if event["kind"] == kind and all(event.get(name) == value for name, value in fields.items())]

    eventually(lambda: len(told("presence")) >= 3 and told("started"))
    started = told("started")[0]
    assert (started["id"], started["type"], started["worker"]) == (held, "it.hold", "one")
    about = told("presence")[-1]["worker"]
    assert isinstance(about, dict)
    assert (about["name"], about["slots"], about["queues"], about["policy"]) == ("one", {"loop": 6}, ["default", "side"], "fair")
    assert (about["in_flight"], about["done"], about["failed"]) == ({"default": 1}, 0, 1)
    assert about["pid"] == worker.process.pid
    before = eventually(lambda: ready.exists() and ready.stat().st_mtime_ns)
    eventually(lambda: ready.stat().st_mtime_ns > before)
    fleet.release()
    worker.tell(signal.SIGTERM)
    assert worker.ended() == 0
    assert told("presence", gone=True)


def test_without_its_queues_it_waits_says_so_and_begins_when_they_are_made(fleet: Fleet) -> None:
    fleet.rabbit.delete(NAMES.work("side"))
    worker = fleet.start()
    waiting = worker.saw("link.consumer_lost")
    assert "no queue 'fairway.q.side'" in waiting["reason"]
    assert "`fairway topology apply` makes it" in waiting["reason"]
    id = fleet.submit(Note(place=fleet.home))
    fleet.running(id)  # the other queue is served meanwhile
    fleet.rabbit.queue(NAMES.work("side"))
    worker.is_ready()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"handlers": "no.such.module"}, "FAIRWAY_HANDLERS names the module 'no.such.module'"),
        ({"queues": "elsewhere"}, "FAIRWAY_QUEUES names 'elsewhere'"),
        ({"ready_file": "/no/such/folder/ready"}, "FAIRWAY_READY_FILE: /no/such/folder can't be written to"),
        ({"slotz": "3"}, "FAIRWAY_SLOTZ is no setting"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_connected(fleet: Fleet, settings: dict[str, str], words: str) -> None:
    worker = fleet.start(**settings)
    assert worker.ended() == 78
    assert words in worker.log.read_text()
    assert "link." not in worker.log.read_text()
