"""Carrying outcomes out: what an outcome creates is confirmed first, then the delivery is let go of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.errors import Problem
from shared.link import Accepted, Delivery, Publication, PublishOutcome, Refused, Unknown, Unroutable
from shared.topology import Names
from shared.wire import unpack_reply
from tests.support.deliveries import Session, a_delivery, a_held
from tests.support.until import until
from worker.outcome import Dead, Done, GivenBack
from worker.settlement import Settlement

NAMES = Names()
PROBLEM = Problem("ValueError", "The handler raised ValueError.", "odd")


class Broker:
    """A Link and an Outbox: it keeps what it is told, and answers publishes when and how a test says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.waiting: list[tuple[Publication, asyncio.Future[PublishOutcome]]] = []
        self.answers: list[PublishOutcome] | None = []  # None: wait for the test

    def publish(self, publication: Publication) -> asyncio.Future[PublishOutcome]:
        future: asyncio.Future[PublishOutcome] = asyncio.get_running_loop().create_future()
        self.told.append(("publish", publication))
        if self.answers is None:
            self.waiting.append((publication, future))
        else:
            future.set_result(self.answers.pop(0) if self.answers else Accepted())
        return future

    def ack(self, delivery: Delivery) -> None:
        self.told.append(("ack", delivery))

    def give_back(self, delivery: Delivery) -> None:
        self.told.append(("give back", delivery))

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.told]

    @property
    def published(self) -> list[Publication]:
        return [what for verb, what in self.told if verb == "publish"]


@pytest.fixture
def broker() -> Broker:
    return Broker()


def settlement(broker: Any, *, keeps_records: bool = True) -> Settlement:
    return Settlement(broker, broker, NAMES, "host:1", keeps_records=keeps_records, backoff=lambda _: 0.0)


async def test_a_reply_is_confirmed_before_the_ack(broker: Broker) -> None:
    held = a_held(reply_to="r.client")
    held.started = 1_700_000_000_500
    await settlement(broker).settle(held, Done(b'{"words":3}'))
    assert broker.told == [("publish", broker.published[0]), ("ack", held.delivery)]
    publication = broker.published[0]
    assert (publication.exchange, publication.key) == (NAMES.replies, "r.client")
    reply = unpack_reply(publication.message)
    assert (reply.id, reply.state.value, reply.reply, reply.worker) == ("job-1", "done", b'{"words":3}', "host:1")
    assert (reply.attempt, reply.deliveries, reply.started) == (1, 1, 1_700_000_000_500)


@pytest.mark.parametrize(
    ("reply_to", "keeps_records", "key"),
    [
        ("r.me", True, "r.me"),
        ("r.me", False, "r.me"),
        (None, True, "r.none"),
        ("r.none", True, "r.none"),
        (None, False, None),
        ("r.none", False, None),
    ],
)
async def test_a_reply_goes_to_whoever_wants_it(broker: Broker, reply_to: str | None, keeps_records: bool, key: str | None) -> None:
    await settlement(broker, keeps_records=keeps_records).settle(a_held(reply_to=reply_to), Done(b"null"))
    assert [publication.key for publication in broker.published] == ([] if key is None else [key])
    assert broker.verbs[-1] == "ack"


async def test_a_dead_job_answers_and_goes_to_the_dead_letters_then_it_is_acked(broker: Broker) -> None:
    held = a_held(reply_to="r.client")
    await settlement(broker).settle(held, Dead(PROBLEM))
    assert broker.verbs == ["publish", "publish", "ack"]
    answer, letter = broker.published
    assert unpack_reply(answer.message).problem == PROBLEM
    assert (letter.exchange, letter.key) == (NAMES.dead, "default")
    assert letter.message.body == held.delivery.message.body
    assert "ValueError" in str(letter.message.headers["fairway-problem"])
    assert letter.message.reply_to is None


async def test_a_job_given_back_is_not_published(broker: Broker) -> None:
    held = a_held()
    await settlement(broker).settle(held, GivenBack())
    assert broker.told == [("give back", held.delivery)]


@pytest.mark.parametrize("bad", [Refused("nack"), Refused("blocked", away=True), Unknown("cut")])
async def test_what_is_not_accepted_is_published_again_until_it_is(broker: Broker, bad: PublishOutcome) -> None:
    broker.answers = [bad, bad, Accepted()]
    await settlement(broker).settle(a_held(reply_to="r.client"), Done(b"null"))
    assert broker.verbs == ["publish", "publish", "publish", "ack"]


async def test_a_reply_that_nobody_takes_any_more_counts_as_settled(broker: Broker) -> None:
    broker.answers = [Unroutable("no queue")]
    await settlement(broker, keeps_records=False).settle(a_held(reply_to="r.gone"), Done(b"null"))
    assert broker.verbs == ["publish", "ack"]


async def test_where_records_are_kept_a_reply_that_does_not_reach_them_is_published_again(broker: Broker) -> None:
    broker.answers = [Unroutable("no queue"), Accepted()]
    await settlement(broker).settle(a_held(reply_to="r.gone"), Done(b"null"))
    assert broker.verbs == ["publish", "publish", "ack"]


async def test_a_dead_letter_that_nobody_takes_does_not(broker: Broker) -> None:
    broker.answers = [Accepted(), Unroutable("no queue"), Accepted()]
    await settlement(broker).settle(a_held(), Dead(PROBLEM))
    assert broker.verbs == ["publish", "publish", "publish", "ack"]


@pytest.mark.parametrize("outcome", [Done(b"null"), Dead(PROBLEM)])
async def test_the_ack_is_for_the_delivery_that_is_held_when_it_comes_to_that(broker: Broker, outcome: Done | Dead) -> None:
    """The connection was lost and the message came back while its outcome was being confirmed."""
    broker.answers = None
    session = Session()
    held = a_held(session=session)
    settling = asyncio.create_task(settlement(broker).settle(held, outcome))
    await until(lambda: len(broker.waiting) == 1)
    session.is_open = False
    adopted = held.delivery = a_delivery(held.envelope, redelivered=True)
    broker.answers = []
    broker.waiting[0][1].set_result(Accepted())
    await settling
    assert broker.told[-1] == ("ack", adopted)
    assert broker.verbs.count("ack") == 1


async def test_being_cancelled_leaves_the_delivery_to_the_broker(broker: Broker) -> None:
    broker.answers = None
    settling = asyncio.create_task(settlement(broker).settle(a_held(reply_to="r.client"), Done(b"null")))
    await until(lambda: len(broker.waiting) == 1)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert broker.verbs == ["publish"]


async def test_an_unreadable_message_is_buried_as_it_is(broker: Broker) -> None:
    delivery = a_delivery()
    await settlement(broker).bury(delivery, "default", PROBLEM)
    assert broker.verbs == ["publish", "ack"]
    assert (broker.published[0].exchange, broker.published[0].message.body) == (NAMES.dead, delivery.message.body)


async def test_what_could_not_start_is_published_anew_then_acked(broker: Broker) -> None:
    delivery = a_delivery()
    message = delivery.message._replace(headers={**delivery.message.headers, "x-delivery-count": 3, "CC": "elsewhere"})
    await settlement(broker).hand_back(delivery._replace(message=message), "default")
    assert broker.verbs == ["publish", "ack"]
    (publication,) = broker.published
    assert (publication.exchange, publication.key) == (NAMES.jobs, "default")
    assert publication.message == delivery.message
