"""Deliveries without a broker, for what decides about them."""

from __future__ import annotations

from shared.envelope import Envelope
from shared.link import Delivery
from shared.message import Message
from shared.wire import pack_job
from worker.held import Held


class Session:
    """The channel session that deliveries came over; a test ends it by `is_open = False`."""

    def __init__(self) -> None:
        self.is_open = True
        self.acked: list[int] = []
        self.nacked: list[int] = []

    def ack(self, tag: int) -> None:
        self.acked.append(tag)

    def nack(self, tag: int) -> None:
        self.nacked.append(tag)

    def flush(self) -> None:
        """Nothing is kept back here."""


def an_envelope(
    id: str = "job-1", *, type: str = "test.echo", queue: str = "default", attempt: int = 1, reply_to: str | None = None
) -> Envelope:
    return Envelope(id, type, queue, b"{}", 1_700_000_000_000, attempt, reply_to)


def a_delivery(
    envelope: Envelope | None = None,
    session: Session | None = None,
    *,
    tag: int = 1,
    redelivered: bool = False,
    message: Message | None = None,
) -> Delivery:
    message = message or pack_job(envelope or an_envelope())
    return Delivery("fairway.q.default", "fairway.jobs", message, redelivered, 2 if redelivered else 1, tag, session or Session())


def a_held(id: str = "job-1", session: Session | None = None, *, tag: int = 1, attempt: int = 1, reply_to: str | None = None) -> Held:
    envelope = an_envelope(id, attempt=attempt, reply_to=reply_to)
    return Held(envelope, a_delivery(envelope, session, tag=tag))
