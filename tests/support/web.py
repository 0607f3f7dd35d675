"""The web tier under test: real replicas on real ports in this event loop, and a hand that answers jobs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from producer.web.app import WebApp, create_app
from producer.web.server import listening
from shared.control.apply import apply
from shared.envelope import Envelope, Reply, State
from shared.link import Delivery, Link, Publication, SharedQueue
from shared.message import Message
from shared.records import Records
from shared.settings import Settings
from shared.submission import now_ms
from shared.topology import Names
from shared.wire import NOBODY, pack_reply, unpack_job
from tests.support.broker import Broker
from tests.support.until import until

QUEUES = ("back", "front")
HELLO = b'"hello"'


@dataclass(frozen=True)
class Replica:
    """A running replica: `http` speaks to it."""

    app: WebApp
    http: httpx2.AsyncClient
    port: int

    async def submit(self, name: str = "Ada", **more: Any) -> str:
        """A job of type `test.greet`; returns its id."""
        answer = await self.http.post("/v1/jobs", json={"type": "test.greet", "args": {"name": name}, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def job(self, id: str, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/jobs/{id}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def ready(self) -> None:
        """Wait until it can take jobs."""
        await until(lambda: self.app.tier.client.link_status.healthy)


def settings_of(broker: Broker, folder: Path, **given: Any) -> Settings:
    """A deployment of its own on the broker, with records in `folder`."""
    defaults = {
        "amqp_url": broker.amqp_url,
        "prefix": f"t-{secrets.token_hex(4)}",
        "jobs": ("tests.support.web_jobs",),
        "records_url": f"sqlite:///{folder}/records.sqlite3",
        "name": "web-1",
    }
    return Settings(**{**defaults, **given})


@asynccontextmanager
async def replica(settings: Settings, records: Records | None = None, *, ready: bool = True) -> AsyncGenerator[Replica]:
    """A replica on a free port; it ends in good order after the block."""
    app = create_app(settings, records)
    listener = listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", ws="none", log_config=None, access_log=False))
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - `serve` would take pytest's signals
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            found = Replica(app, http, port)
            await until(lambda: server.started)
            if ready:
                await found.ready()
            yield found
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def deployed(settings: Settings, records: Records | None = None) -> AsyncGenerator[Replica]:
    """The topology, and a replica that can take jobs."""
    await apply(settings, QUEUES)
    async with replica(settings, records) as found:
        yield found


def done(envelope: Envelope, reply: bytes = HELLO) -> Reply:
    """How a worker says that it did a job."""
    now = now_ms()
    return Reply(
        id=envelope.id,
        type=envelope.type,
        queue=envelope.queue,
        state=State.DONE,
        created=envelope.created,
        reply=reply,
        worker="worker-1",
        started=now,
        finished=now,
        tags=envelope.tags,
    )


class Hand:
    """Takes the jobs of every queue and keeps them until it is told to answer."""

    def __init__(self, settings: Settings) -> None:
        self._names = Names(settings.prefix)
        self._held: list[tuple[Delivery, Envelope]] = []
        self._answer: Callable[[Envelope], Reply] | None = None
        self._link = Link(settings, "hand", [SharedQueue(self._names.work(queue), 1000, self._take) for queue in QUEUES])

    def start(self) -> None:
        self._link.start()
        self._link.wait_healthy(10)

    def stop(self) -> None:
        self._link.stop()

    @property
    def jobs(self) -> list[Envelope]:
        """What it holds."""
        return [envelope for _, envelope in self._held]

    def answer_all(self, answer: Callable[[Envelope], Reply] = done) -> None:
        """Answer what is held, and whatever comes from here on."""
        self._answer = answer
        held, self._held = self._held, []
        for delivery, envelope in held:
            self._end(delivery, envelope, answer)

    def say(self, exchange: str, key: str, body: bytes, **properties: Any) -> None:
        """Publish something else."""
        self._link.publish(Publication(exchange, key, Message(body, **properties), mandatory=False), lambda _: None)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            envelope = unpack_job(delivery.message, delivery.queue.removeprefix(self._names.work("")))
            if self._answer is None:
                self._held.append((delivery, envelope))
            else:
                self._end(delivery, envelope, self._answer)

    def _end(self, delivery: Delivery, envelope: Envelope, answer: Callable[[Envelope], Reply]) -> None:
        publication = Publication(self._names.replies, envelope.reply_to or NOBODY, pack_reply(answer(envelope)))
        self._link.publish(publication, lambda _: self._link.ack(delivery))


@contextmanager
def hand(settings: Settings) -> Iterator[Hand]:
    """A hand for as long as the block lasts; the topology must be there."""
    found = Hand(settings)
    found.start()
    try:
        yield found
    finally:
        found.stop()
