"""What both clients promise: one suite, run for each of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.errors import BrokerDown, JobFailed, NoRecords, NoReplyInTime, NotAccepted, OutcomeUnknown, TooLarge
from shared.link.codec import message_of
from shared.settings import Settings
from shared.wire import unpack_job
from tests.support.broker import Broker
from tests.support.clients import Client, aio_client, blocking_client
from tests.support.eventually import eventually
from tests.support.fleet import NAMES, Fleet, fleet_on
from tests.support.jobs import Big, Boom, Echo, Note
from tests.support.links import settings_for
from tests.support.proxy import Proxy, proxied
from tests.support.responder import Responder

Open = Callable[..., Client]


@pytest.fixture(scope="module")
def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One worker for all of these tests. What is put onto the queue `side` nobody takes but the tests themselves."""
    with broker.fresh_vhost() as fresh, fleet_on(fresh.amqp_url, tmp_path_factory.mktemp("fleet")) as fleet:
        fleet.worker(queues="default")
        yield fleet


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[Proxy]:
    with proxied(fleet.amqp_url) as proxy:
        yield proxy


@pytest.fixture
def responder(fleet: Fleet) -> Responder:
    """Answers by hand."""
    fleet.rabbit.take(NAMES.work("side"))
    return Responder(fleet.rabbit, "side")


@pytest.fixture(params=[aio_client, blocking_client], ids=["aio", "blocking"])
def opened(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[Open]:
    """Makes clients, closed after the test. `url` is the broker's where none is given."""
    make: Callable[[Settings], AbstractContextManager[Client]] = request.param
    with ExitStack() as stack:
        yield lambda url="", **settings: stack.enter_context(make(settings_for(url or fleet.amqp_url, **settings)))


@pytest.fixture
def client(opened: Open) -> Client:
    return opened()


def test_a_call_brings_the_typed_reply(client: Client) -> None:
    assert client.call(Echo(text="ä ☃"), timeout=10) == "ä ☃"


def test_a_handle_has_the_id_and_brings_the_result(client: Client, fleet: Fleet) -> None:
    handle = client.submit(Note(place=fleet.home))
    assert handle.result(10) == handle.id
    assert handle.result(0) == handle.id, "again"
    assert fleet.runs.count(handle.id) == 1


def test_a_job_that_failed_raises_its_problem(client: Client) -> None:
    with pytest.raises(JobFailed, match="ValueError: odd") as failed:
        client.call(Boom(), timeout=10)
    assert "worker_handlers" in (failed.value.problem.traceback or "")


def test_what_is_too_large_is_not_sent(opened: Open, responder: Responder) -> None:
    client = opened(body_limit=1024)
    with pytest.raises(TooLarge, match="FAIRWAY_BODY_LIMIT"):
        client.submit(Echo(text="x" * 2000), queue="side")
    assert responder.waiting == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"queue": "No Queue"}, "queue: 'No Queue' must match"),
        ({"tags": ["a b"]}, "tags: 'a b' must be"),
        ({"tags": ["a"] * 21}, "tags: at most 20"),
    ],
)
def test_labels_that_cannot_travel_are_named(client: Client, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        client.submit(Echo(text=""), **options)


def test_a_queue_that_nobody_made_does_not_accept(client: Client) -> None:
    with pytest.raises(NotAccepted, match="does the queue exist"):
        client.submit(Echo(text=""), queue="nowhere")


def test_queue_and_tags_travel_and_a_job_without_a_reply_names_nobody(client: Client, responder: Responder) -> None:
    handle = client.submit(Echo(text="x"), queue="side", tags=["b", "a"], reply=False)
    job = responder.next()
    assert (job.id, job.queue, job.tags, job.reply_to, job.args) == (handle.id, "side", ("b", "a"), None, b'{"text":"x"}')
    with pytest.raises(ValueError, match=f"job {handle.id} was submitted with reply=False"):
        handle.result(1)


def test_without_records_there_is_no_status(client: Client) -> None:
    handle = client.submit(Echo(text=""))
    with pytest.raises(NoRecords, match="FAIRWAY_RECORDS_URL"):
        handle.status()


def test_with_records_the_row_is_there_when_submit_returns(opened: Open, tmp_path: Path, responder: Responder) -> None:
    client = opened(records_url=f"sqlite:///{tmp_path}/records.sqlite3")
    handle = client.submit(Echo(text="x"), queue="side", tags=["a"])
    record = handle.status()
    assert (record.id, record.type, record.queue, record.state.value, record.tags) == (handle.id, "it.echo", "side", "queued", ("a",))
    with pytest.raises(KeyError):
        client.status("no-such-id")


def test_given_records_are_read_by_a_client_that_has_sent_nothing_yet(opened: Open, tmp_path: Path) -> None:
    client = opened(records_url=f"sqlite:///{tmp_path}/records.sqlite3")
    with pytest.raises(KeyError):
        client.status("no-such-id")


def test_each_wait_has_its_deadline_and_what_comes_after_it_is_dropped_and_counted(client: Client, responder: Responder) -> None:
    began = time.monotonic()
    with pytest.raises(NoReplyInTime, match="the job itself goes on"):
        client.call(Echo(text="1"), queue="side", timeout=0.3)
    handle = client.submit(Echo(text="2"), queue="side")
    with pytest.raises(NoReplyInTime):
        handle.result(0.3)
    assert time.monotonic() - began < 3
    late, second = responder.next(), responder.next()
    responder.reply(late, "late")
    responder.reply(second, "in time for the next wait")
    assert handle.result(5) == "in time for the next wait"
    responder.reply(second, "twice")
    responder.reply(late._replace(id="foreign"), "foreign")
    eventually(lambda: client.unclaimed_replies == 3)
    assert handle.result(0) == "in time for the next wait"


def test_what_comes_to_the_reply_queue_and_is_no_reply_does_no_harm(client: Client, responder: Responder, fleet: Fleet) -> None:
    handle = client.submit(Echo(text="1"), queue="side")
    job = responder.next()
    for body in (b"", b"{", b'{"reply":', b"[]"):
        fleet.rabbit.send(NAMES.replies, job.reply_to or "", body, responder.properties(job.id))
    responder.reply(job, "right")
    assert handle.result(5) == "right"


def test_without_a_broker_it_is_said_within_the_deadline(opened: Open) -> None:
    client = opened("amqp://u:p@127.0.0.1:1/", confirm_timeout=0.3)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(BrokerDown, match="refused"):
            client.submit(Echo(text=""))
    with pytest.raises(BrokerDown, match="refused"):
        client.call(Echo(text=""), timeout=0.3)
    with pytest.raises(BrokerDown, match="refused"):
        client.ready(0.1)
    assert time.monotonic() - began < 4


def test_an_unknown_outcome_carries_the_id(opened: Open, proxy: Proxy, responder: Responder) -> None:
    client = opened(proxy.url, confirm_timeout=0.5)
    client.ready(10)
    proxy.drop("down")
    with pytest.raises(OutcomeUnknown) as unknown:
        client.submit(Echo(text=""), queue="side")
    assert responder.next().id == unknown.value.id
    proxy.cut()


def test_a_call_of_unknown_outcome_takes_its_reply_for_a_proof(opened: Open, proxy: Proxy, responder: Responder) -> None:
    client = opened(proxy.url)
    client.ready(10)
    proxy.drop("down")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.call, Echo(text=""), queue="side", timeout=20)
        responder.reply(responder.next(), "it was accepted")
        proxy.cut()
        assert answer.result(20) == "it was accepted"


def test_a_call_of_unknown_outcome_without_a_reply_says_unknown(opened: Open, proxy: Proxy, responder: Responder) -> None:
    client = opened(proxy.url)
    client.ready(10)
    proxy.drop("down")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.call, Echo(text=""), queue="side", timeout=1.5)
        id = responder.next().id
        proxy.cut()
        with pytest.raises(OutcomeUnknown) as unknown:
            answer.result(20)
    assert unknown.value.id == id


def test_a_reply_that_comes_while_the_client_is_cut_off_still_arrives(opened: Open, proxy: Proxy, responder: Responder) -> None:
    client = opened(proxy.url)
    handle = client.submit(Echo(text=""), queue="side")
    job = responder.next()
    proxy.refuse()
    eventually(lambda: not client.link_status.healthy)
    responder.reply(job, "while you were away")
    proxy.accept()
    assert handle.result(15) == "while you were away"
    assert client.unclaimed_replies == 0
    again = client.submit(Echo(text=""), queue="side")
    responder.reply(responder.next(), "and you are back")
    assert again.result(10) == "and you are back"
    assert client.unclaimed_replies == 0, "it came twice"


def test_calls_go_on_over_cuts(opened: Open, proxy: Proxy, fleet: Fleet) -> None:
    """Each call brings its own reply, or says that its outcome is unknown; then the job never came to the broker."""
    client = opened(proxy.url)
    done = threading.Event()
    answers: dict[str, str | None] = {}
    fleet.rabbit.take(NAMES.records)

    def pour(name: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            text = f"{name}-{number}"
            try:
                answers[text] = client.call(Echo(text=text), timeout=3)
            except OutcomeUnknown:
                answers[text] = None

    with ThreadPoolExecutor(8) as pool:
        threads = [pool.submit(pour, name) for name in range(8)]
        for cut in range(1, 4):
            eventually(lambda cut=cut: len(answers) >= cut * 100, 20)  # type: ignore[misc]
            proxy.cut()
        eventually(lambda: len(answers) >= 400, 20)
        done.set()
        for thread in threads:
            thread.result(30)
    assert {text for text, answer in answers.items() if answer not in {text, None}} == set()
    ran = {found.body for found in fleet.rabbit.take(NAMES.records)}
    assert not {text for text, answer in answers.items() if answer is None and b'{"reply":"%s"}' % text.encode() in ran}


def test_one_pair_of_connections_opened_at_the_first_use_and_gone_after_the_close(opened: Open, proxy: Proxy) -> None:
    client = opened(proxy.url)
    assert proxy.accepted == 0
    for number in range(3):
        assert client.call(Echo(text=str(number)), timeout=10) == str(number)
    assert proxy.accepted == 2
    client.close()
    client.close()
    assert proxy.accepted == 2
    assert client.call(Echo(text="again"), timeout=10) == "again"
    assert proxy.accepted == 4


def test_what_the_broker_lacks_is_said(opened: Open, broker: Broker) -> None:
    with broker.fresh_vhost() as bare:
        client = opened(bare.amqp_url, confirm_timeout=0.5)
        with pytest.raises(BrokerDown, match=r"no exchange 'fairway\.replies'.*fairway topology apply"):
            client.submit(Echo(text=""))


def test_a_large_reply_comes_whole(client: Client) -> None:
    assert client.call(Big(size=900_000), timeout=20) == "x" * 900_000


def test_the_message_is_as_the_wire_format_says(client: Client, fleet: Fleet) -> None:
    fleet.rabbit.take(NAMES.work("side"))
    handle = client.submit(Echo(text="x"), queue="side")
    (found,) = fleet.rabbit.take(NAMES.work("side"), 1)
    assert unpack_job(message_of(found.properties, found.body), "side").id == handle.id
    assert (found.properties.correlation_id, found.properties.type, found.properties.delivery_mode) == (handle.id, "it.echo", 2)
