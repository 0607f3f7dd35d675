"""The worker's loop of deliveries, with a Link and an executor that a test plays: what is taken, kept, adopted and given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.envelope import Envelope
from shared.job import Job
from shared.link import Accepted, Delivery, LinkState, LinkStatus, Publication, PublishOutcome
from shared.topology import Names
from tests.support.deliveries import Session, a_delivery, an_envelope
from tests.support.until import until
from worker import service as service_module
from worker.dispatch import Fair
from worker.execution import Execution
from worker.handler import Handler, Run
from worker.places import Place
from worker.registry import Registry
from worker.service import Service
from worker.settlement import Settlement
from worker.tally import Tally

NAMES = Names()
HEALTHY, CONNECTING = LinkStatus(LinkState.HEALTHY), LinkStatus(LinkState.CONNECTING, "cut")


class Echo(Job[None], name="test.echo"):
    pass


class Slots:
    """An executor whose jobs end when the test says."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running: dict[str, asyncio.Future[bytes]] = {}
        self.started: list[str] = []

    async def start(self) -> None:
        """Nothing to make ready."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:  # noqa: ARG002 - as the port says
        self.started.append(envelope.id)
        self.running[envelope.id] = asyncio.get_running_loop().create_future()
        return await self.running[envelope.id]


class Line:
    """A Link and an Outbox: it keeps what it is told."""

    def __init__(self) -> None:
        self.acked: list[Delivery] = []
        self.returned: list[Delivery] = []
        self.published: list[Publication] = []
        self.windows: dict[str, list[int]] = {}
        self.stopped = False

    def start(self) -> None:
        """It is there already."""

    def stop_taking(self) -> None:
        self.stopped = True

    def set_prefetch(self, name: str, prefetch: int) -> None:
        self.windows.setdefault(name, []).append(prefetch)

    def ack(self, delivery: Delivery) -> None:
        if delivery.origin.is_open:
            self.acked.append(delivery)

    def give_back(self, delivery: Delivery) -> None:
        self.returned.append(delivery)

    def publish(self, publication: Publication) -> asyncio.Future[PublishOutcome]:
        self.published.append(publication)
        future: asyncio.Future[PublishOutcome] = asyncio.get_running_loop().create_future()
        future.set_result(Accepted())
        return future


class Bench:
    """A Service of one queue with `slots` slots."""

    def __init__(self, slots: int) -> None:
        self.executor, self.line, self.session = Slots(slots), Line(), Session()
        registry = Registry([Handler(Echo, lambda _: None, Run.LOOP, None)])
        execution = Execution(registry, {Run.LOOP: self.executor}, timeout=60.0, reply_limit=100)
        self.service = Service(NAMES, {"default": Run.LOOP}, {Run.LOOP: Place(self.executor, Fair())}, execution, Tally(["default"]))
        line: Any = self.line
        settlement = Settlement(line, line, NAMES, "host:1", keeps_records=False, backoff=lambda _: 0.0)
        (self.subscription,) = self.service.subscriptions()
        self.service.serve(line, settlement)
        self._tag = 0

    def deliver(self, *ids: str, redelivered: bool = False) -> list[Delivery]:
        """As the Link hands them over, in one batch."""
        deliveries = []
        for id in ids:
            self._tag += 1
            deliveries.append(a_delivery(an_envelope(id), self.session, tag=self._tag, redelivered=redelivered))
        self.subscription.receive(deliveries)
        return deliveries

    async def runs(self, *ids: str) -> None:
        await until(lambda: set(ids) <= self.executor.running.keys())

    def end(self, id: str) -> None:
        self.executor.running.pop(id).set_result(b"null")

    def lose(self) -> None:
        """The connection goes, and a new one comes."""
        self.session.is_open = False
        self.session = Session()
        self.service.on_status(CONNECTING)
        self.service.on_status(HEALTHY)


async def test_a_job_is_acked_when_it_has_ended() -> None:
    bench = Bench(2)
    assert bench.subscription.prefetch == 2
    (delivery,) = bench.deliver("1")
    await bench.runs("1")
    assert bench.line.acked == []
    bench.end("1")
    await until(lambda: bench.line.acked == [delivery])
    assert len(bench.service.book) == 0


async def test_what_waits_starts_as_soon_as_a_slot_is_free() -> None:
    bench = Bench(1)
    bench.deliver("1", "2")
    await bench.runs("1")
    assert bench.executor.started == ["1"]
    bench.end("1")
    await bench.runs("2")
    bench.end("2")
    await until(lambda: len(bench.line.acked) == 2)


async def test_what_could_not_start_in_time_is_published_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "PATIENCE", 0.02)
    bench = Bench(1)
    _, waiting = bench.deliver("1", "2")
    await until(lambda: bench.line.acked == [waiting])
    (publication,) = bench.line.published
    assert (publication.exchange, publication.key, publication.message.id) == (NAMES.jobs, "default", "2")
    assert bench.executor.started == ["1"]
    bench.end("1")


async def test_what_waited_and_was_lost_with_its_session_is_not_published_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not a change of the Link's status told of it: the broker has it back."""
    monkeypatch.setattr(service_module, "PATIENCE", 0.5)
    bench = Bench(1)
    bench.deliver("1", "2")
    await bench.runs("1")
    bench.session.is_open = False
    await until(lambda: len(bench.service.book) == 1)
    assert bench.line.published == []
    bench.end("1")


async def test_what_is_on_its_way_when_the_worker_leaves_goes_back() -> None:
    bench = Bench(1)
    bench.deliver("1", "2")
    await bench.runs("1")
    stopping = asyncio.create_task(bench.service.stop(60, asyncio.Event()))
    await until(lambda: bench.line.stopped)
    late = bench.deliver("3")
    await until(lambda: len(bench.line.returned) == 2)
    assert [delivery.message.id for delivery in bench.line.returned] == ["2", "3"]
    bench.end("1")
    await stopping
    assert bench.executor.started == ["1"]
    assert late[0] not in bench.line.acked


async def test_what_still_runs_after_the_grace_is_given_back() -> None:
    bench = Bench(1)
    (delivery,) = bench.deliver("1")
    await bench.runs("1")
    await bench.service.stop(0, asyncio.Event())
    assert bench.line.returned == [delivery]
    assert bench.line.acked == []


async def test_a_job_adopted_is_acked_by_its_new_delivery_and_the_window_makes_room_for_the_rest() -> None:
    bench = Bench(4)
    bench.deliver("1", "2", "3", "4")
    await bench.runs("1", "2", "3", "4")
    bench.lose()
    await until(lambda: bench.line.windows.get("fairway.q.default", [])[-1:] == [1])
    back = bench.deliver("1", redelivered=True)
    await until(lambda: bench.line.windows["fairway.q.default"][-1] == 2)
    back += bench.deliver("2", redelivered=True)
    await until(lambda: bench.line.windows["fairway.q.default"][-1] == 4)
    back += bench.deliver("3", "4", redelivered=True)
    for id in ("1", "2", "3", "4"):
        bench.end(id)
    await until(lambda: len(bench.line.acked) == 4)
    assert all(delivery in back for delivery in bench.line.acked)
    assert bench.executor.started == ["1", "2", "3", "4"]
    assert bench.line.windows["fairway.q.default"][-1] == 4


async def test_what_waited_for_a_slot_when_its_session_ended_is_forgotten_and_runs_once_when_it_comes_back() -> None:
    bench = Bench(1)
    bench.deliver("1", "2")
    await bench.runs("1")
    bench.lose()
    await until(lambda: len(bench.service.book) == 1)
    bench.deliver("2", redelivered=True)
    bench.end("1")
    await bench.runs("2")
    bench.end("2")
    await until(lambda: len(bench.line.acked) == 1)
    assert bench.executor.started == ["1", "2"]


async def test_an_unreadable_message_takes_no_slot_and_is_buried() -> None:
    bench = Bench(1)
    bench.deliver("1")
    await bench.runs("1")
    broken = a_delivery(session=bench.session, tag=9)
    broken = broken._replace(message=broken.message._replace(type="No Type"))
    bench.subscription.receive([broken])
    await until(lambda: bench.line.acked == [broken])
    assert [publication.exchange for publication in bench.line.published] == [NAMES.dead]
    bench.end("1")
