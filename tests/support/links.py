"""Links under test: what came in, what came of publishes, and short ways to make both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shared.link import Delivery, Link, LinkStatus, Publication, PublishOutcome, Subscription
from shared.message import Message
from shared.settings import Settings
from tests.support.eventually import eventually


def soon(_: int) -> float:
    """A backoff for tests: try again almost at once."""
    return 0.05


class Inbox:
    """A subscription's `receive` that keeps what it gets."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def __call__(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries.extend(deliveries)

    def __len__(self) -> int:
        return len(self.deliveries)

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.message.body for delivery in self.deliveries]

    def wait(self, count: int, within: float = 10.0) -> list[Delivery]:
        """The deliveries so far, as soon as there are `count`."""
        eventually(lambda: len(self.deliveries) >= count, within, lambda: f"{len(self.deliveries)} of {count} deliveries")
        return list(self.deliveries)


class Outcomes:
    """What came of publishes, by message id; each must come once."""

    def __init__(self) -> None:
        self.all: dict[str, list[PublishOutcome]] = {}
        self._lock = threading.Lock()

    def of(self, id: str) -> Callable[[PublishOutcome], None]:
        """The `settle` of one publish."""

        def settle(outcome: PublishOutcome) -> None:
            with self._lock:
                self.all.setdefault(id, []).append(outcome)

        return settle

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, id: str) -> PublishOutcome:
        (outcome,) = self.all[id]
        return outcome

    def ids(self, kind: type[PublishOutcome]) -> list[str]:
        """Of the publishes that ended so."""
        return [id for id, outcomes in tuple(self.all.items()) if isinstance(outcomes[0], kind)]

    def wait(self, count: int, within: float = 10.0) -> None:
        eventually(lambda: len(self.all) >= count, within, lambda: f"{len(self.all)} of {count} outcomes")

    def are_single(self) -> bool:
        return all(len(outcomes) == 1 for outcomes in self.all.values())


def publish(link: Link, outcomes: Outcomes, id: str, queue: str, *, exchange: str = "", body: bytes = b"{}", **options: Any) -> None:
    """Publish one message with this id; its outcome goes to `outcomes`."""
    link.publish(Publication(exchange, queue, Message(body, id=id, type="test")), outcomes.of(id), **options)


def publish_and_wait(link: Link, queue: str, *, exchange: str = "", id: str = "one", **options: Any) -> PublishOutcome:
    outcomes = Outcomes()
    publish(link, outcomes, id, queue, exchange=exchange, **options)
    outcomes.wait(1, 20)
    return outcomes[id]


def settings_for(amqp_url: str, **given: Any) -> Settings:
    """Settings with this broker, and short times."""
    return Settings(**{"amqp_url": amqp_url, "confirm_timeout": 3.0, "heartbeat": 10, **given})


@contextmanager
def linked(
    settings: Settings,
    *subscriptions: Subscription,
    healthy: bool = True,
    on_status: Callable[[LinkStatus], None] = lambda _: None,
    backoff: Callable[[int], float] = soon,
) -> Iterator[Link]:
    """A running Link, healthy where that is asked for; stopped after the block."""
    link = Link(settings, "test", subscriptions, on_status, backoff)
    link.start()
    try:
        if healthy:
            link.wait_healthy(15)
        yield link
    finally:
        link.stop()
        assert not link._thread.is_alive(), "the link's thread goes on"  # noqa: SLF001
