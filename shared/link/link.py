"""The Link: one thread, one private loop, two supervised connections; its face to every other thread."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Sequence

from shared.backoff import Backoff, full_jitter
from shared.errors import BrokerDown
from shared.link.addresses import parameters_of
from shared.link.capabilities import Capabilities
from shared.link.consumer import Consumer
from shared.link.delivery import Delivery, Origin
from shared.link.loop import new_event_loop
from shared.link.mailbox import Mailbox
from shared.link.outcome import PublishOutcome, Refused
from shared.link.publication import Publication
from shared.link.publisher import Pending, Publisher
from shared.link.state import LinkState, LinkStatus, worst
from shared.link.subscription import Subscription
from shared.link.supervisor import Supervisor
from shared.settings import Settings

Command = Callable[[], None]
LAST_WORDS = 3.0  # seconds for unconfirmed publishes when the Link stops


class Link:
    """The one engine that speaks AMQP on the data plane.

    `role` is shown in RabbitMQ's admin UI (`fairway <role> host:pid`), `subscriptions` is what it
    consumes; a Link without any opens no consume connection. `on_status` is called in the Link's
    thread when the status changed. Every method may be called from any thread; none blocks but
    `wait_healthy` and `stop`. Raises `NotConfigured` where the settings hold no valid AMQP address.
    """

    def __init__(
        self,
        settings: Settings,
        role: str,
        subscriptions: Sequence[Subscription] = (),
        on_status: Callable[[LinkStatus], None] = lambda _: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._settings, self._subscriptions, self._on_status_change = settings, tuple(subscriptions), on_status
        self._label = f"{socket.gethostname()}:{os.getpid()}"
        self._choices = [
            parameters_of(url, heartbeat=settings.heartbeat, name=f"fairway {role} {self._label}") for url in settings.amqp_urls
        ]
        self._backoff = backoff or full_jitter()
        self._status = LinkStatus(LinkState.IDLE)
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"fairway-link-{role}", daemon=True)

    # -- any thread -------------------------------------------------------------------------------

    @property
    def status(self) -> LinkStatus:
        """The worse of the two connections' statuses."""
        return self._status

    @property
    def capabilities(self) -> Capabilities | None:
        """What the broker can do; None before the first connection."""
        return self._publishing.capabilities if self._started.is_set() else None

    def start(self) -> None:
        """Start the thread; returns at once, connected or not."""
        self._thread.start()
        self._started.wait()

    def publish(self, publication: Publication, settle: Callable[[PublishOutcome], None], timeout: float | None = None) -> None:
        """Publish, and call `settle` once with the outcome, in the Link's thread (it must not block).

        `timeout` in seconds, by default FAIRWAY_CONFIRM_TIMEOUT, is for waiting (until connected, or
        for a place in the window) and for the confirm together.
        """
        deadline = self._loop.time() + (self._settings.confirm_timeout if timeout is None else timeout)
        self._post(Pending(publication, settle, deadline))

    def ack(self, delivery: Delivery) -> None:
        """Settled. Does nothing where the delivery's session is over: the broker gives it out again."""
        self._post(delivery)

    def give_back(self, delivery: Delivery) -> None:
        """Back to its queue, for work that never started (`basic.nack`, which from RabbitMQ 4.3 costs no delivery)."""
        self._post(lambda: delivery.origin.nack(delivery.tag))

    def set_prefetch(self, name: str, prefetch: int) -> None:
        """At most `prefetch` unsettled deliveries of the subscription `name` from now on."""
        self._post(lambda: self._consumer.set_prefetch(name, prefetch))

    def stop_taking(self) -> None:
        """Cancel every consumer for good; what is in our hands can still be settled."""
        self._post(self._consumer.stop_taking)

    def wait_healthy(self, timeout: float) -> None:
        """Block until healthy. Raises `BrokerDown` with what was in the way after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._status.healthy, timeout):
                raise BrokerDown(f"{self._status.state.value}: {self._status.detail or 'no connection yet'}")

    def stop(self, timeout: float = 10.0) -> None:
        """Send what waits, say goodbye to the broker, end the thread (waiting `timeout` seconds for it)."""
        if self._thread.is_alive():
            self._post(self._stopping.set)
            self._thread.join(timeout)

    # -- the Link's own thread --------------------------------------------------------------------

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._main())
        self._inbox.drain()  # what came in while the loop was closing

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._over = False
        self._inbox: Mailbox[Pending | Delivery | Command] = Mailbox(self._loop, self._take)
        self._publisher = Publisher(
            self._settings.window, lambda: self._consumer.reachable, lambda: self._status.detail, self._refresh, self._restart_publishing
        )
        self._consumer = Consumer(self._subscriptions, self._label, self._backoff, self._refresh)
        self._publishing = Supervisor("publish", self._publisher, self._choices, self._backoff, self._status_changed)
        self._consuming = Supervisor("consume", self._consumer, self._choices, self._backoff, self._status_changed)
        self._halves = [self._publishing, *([self._consuming] if self._subscriptions else [])]
        running = [asyncio.create_task(half.run()) for half in self._halves]
        self._started.set()
        await self._stopping.wait()
        await self._last_words()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._over = True
        self._publisher.close()

    def _restart_publishing(self, reason: str) -> None:
        self._publishing.restart(reason)

    async def _last_words(self) -> None:
        """Give what is still unconfirmed a moment, where the broker is there to confirm."""
        until = self._loop.time() + LAST_WORDS
        # A few looks in a Link's life aren't worth an event on the hot path.
        while self._publisher.pending and self._publishing.status.healthy and self._loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def _take(self, items: list[Pending | Delivery | Command]) -> None:
        if self._over:
            self._refuse(items)
            return
        origins: set[Origin] = set()
        for item in items:
            if isinstance(item, Pending):
                self._publisher.add(item)
            elif isinstance(item, Delivery):
                item.origin.ack(item.tag)
                origins.add(item.origin)
            else:
                item()
        self._publisher.pump()
        for origin in origins:
            origin.flush()

    def _refuse(self, items: list[Pending | Delivery | Command]) -> None:
        """The Link has stopped: publishes end here, and nothing is left to settle. Any thread."""
        for item in items:
            if isinstance(item, Pending):
                item.end(Refused("the link was stopped", away=True))

    def _post(self, item: Pending | Delivery | Command) -> None:
        try:
            self._inbox.put(item)
        except RuntimeError:
            self._inbox.drain()

    def _refresh(self) -> None:
        for half in self._halves:
            half.refresh()
        self._publisher.pump()

    def _status_changed(self) -> None:
        status = worst([half.status for half in self._halves])
        if status != self._status:
            with self._changed:
                self._status = status
                self._changed.notify_all()
            self._on_status_change(status)
