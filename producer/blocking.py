"""The client for threaded web tiers and scripts: Django, Flask, cron.

    with Client() as client:
        resized = client.call(Resize(url=url, width=300), timeout=10)

Any number of threads share one client: their publishes and replies are in flight at once over one
pair of connections. It starts at its first use and starts anew in a forked child, so it may be made
before a server forks (gunicorn --preload, uWSGI).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from producer.calls import Ledger, reply_value
from producer.replies import new_client, reply_queue
from producer.store import open_given_records
from shared.envelope import Envelope, Reply
from shared.errors import NoRecords, NoReplyInTime, OutcomeUnknown, RecordsDown, Unreadable
from shared.ids import Ids
from shared.job import Job
from shared.link import Delivery, Link, LinkStatus, PublishOutcome
from shared.log import Logger
from shared.record import Record
from shared.records import Accepted, Records
from shared.settings import Settings
from shared.submission import error_of, publication_of, seal
from shared.topology import Names
from shared.wire import unpack_reply

log = Logger()

R = TypeVar("R")


class JobHandle(Generic[R]):
    """A job that was accepted."""

    def __init__(self, client: Client, job: Job[R], id: str, waiter: Future[Reply] | None) -> None:
        self.id = id
        self._client, self._job, self._waiter = client, job, waiter

    def status(self) -> Record:
        """What is known of the job. Raises `NoRecords` where the client was given none, `KeyError` where
        the record isn't there (yet), `RecordsDown`.
        """
        return self._client.status(self.id)

    def result(self, timeout: float) -> R:
        """Wait for the reply, at most `timeout` seconds.

        Raises `JobFailed` with the problem, `NoReplyInTime`, and `ValueError` where the job was
        submitted with `reply=False`.
        """
        if self._waiter is None:
            raise ValueError(f"job {self.id} was submitted with reply=False")
        return reply_value(self._job, _in_time(self._waiter, timeout, self.id))


class Client:
    """Submits jobs and receives replies over one pair of connections, from any number of threads.

    `settings` by default from the environment; records are written and read where
    `FAIRWAY_RECORDS_URL` was given, or `records` is. `role` is shown in RabbitMQ's admin UI.
    """

    def __init__(self, settings: Settings | None = None, *, records: Records | None = None, role: str = "client") -> None:
        self.settings = settings or Settings.load()
        self.names = Names(self.settings.prefix)
        self.records = records
        self._owns_records = records is None
        self._role = role
        self._starting = threading.Lock()
        self._session: _Session | None = None

    def __enter__(self) -> Self:
        self._started()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    @property
    def link_status(self) -> LinkStatus:
        """Whether jobs can be submitted and replies come in, and what is in the way."""
        return self._started().link.status

    @property
    def unclaimed_replies(self) -> int:
        """Replies that nobody waited for."""
        return self._started().ledger.unclaimed

    def ready(self, timeout: float) -> None:
        """Wait until jobs can be submitted, at most `timeout` seconds. Raises `BrokerDown` with what is in the way.

        Not needed before `submit`, which waits by itself.
        """
        self._started().link.wait_healthy(timeout)

    def submit(self, job: Job[R], *, queue: str | None = None, tags: Iterable[str] = (), reply: bool = True) -> JobHandle[R]:
        """Hand a job over; returns when the broker has it safe.

        `queue` by default the job type's own, `tags` are labels to find it by, `reply=False` says that
        nobody will ask for the result here. Raises `BrokerDown` or `NotAccepted` (certainly not
        accepted), `OutcomeUnknown` (carries the id), `TooLarge`, `ValueError`.
        """
        session = self._started()
        envelope = self._seal(session, job, queue, tags, reply=reply)
        waiter = session.expect(envelope.id) if reply else None
        self._accept(session, envelope, None)
        return JobHandle(self, job, envelope.id, waiter)

    def call(self, job: Job[R], *, timeout: float = 30.0, queue: str | None = None, tags: Iterable[str] = ()) -> R:
        """Hand a job over and wait for its reply, at most `timeout` seconds in all.

        Raises `JobFailed`, `NoReplyInTime`, and what `submit` raises. A publish of unknown outcome is
        waited for all the same: the reply proves that the job was accepted.
        """
        until = time.monotonic() + timeout
        session = self._started()
        envelope = self._seal(session, job, queue, tags, reply=True)
        waiter = session.expect(envelope.id)
        unknown: OutcomeUnknown | None = None
        try:
            self._accept(session, envelope, timeout)
        except OutcomeUnknown as error:
            unknown = error
        try:
            return reply_value(job, _in_time(waiter, until - time.monotonic(), envelope.id))
        except NoReplyInTime:
            if unknown is not None:
                raise unknown from None
            raise

    def status(self, id: str) -> Record:
        """The record of a job; see `JobHandle.status`."""
        self._started()
        if self.records is None:
            raise NoRecords("this client was given no records: set FAIRWAY_RECORDS_URL, or ask the web tier")
        record = self.records.get(id)
        if record is None:
            raise KeyError(id)
        return record

    def close(self) -> None:
        """Let go of the broker; replies that are still out will not be seen."""
        session, self._session = self._session, None
        if session is not None and session.pid == os.getpid():
            session.link.stop()
            if self._owns_records and self.records is not None:
                self.records.close()

    def _started(self) -> _Session:
        session = self._session
        if session is not None and session.pid == os.getpid():
            return session
        with self._starting:
            session = self._session
            if session is None or session.pid != os.getpid():  # after a fork the parent's thread and sockets are not ours
                if self._owns_records:
                    self.records = open_given_records(self.settings)
                self._session = session = _Session(self.settings, self.names, self._role)
            return session

    def _seal(self, session: _Session, job: Job[Any], queue: str | None, tags: Iterable[str], *, reply: bool) -> Envelope:
        return seal(job, session.ids.new(), queue=queue, tags=tags, reply_to=session.reply_key if reply else None)

    def _accept(self, session: _Session, envelope: Envelope, timeout: float | None) -> None:
        publication = publication_of(envelope, self.names, self.settings)
        outcome: Future[PublishOutcome] = Future()
        session.link.publish(publication, outcome.set_result, timeout)
        error = error_of(outcome.result(), envelope.id)  # the Link keeps the deadline
        if error is not None:
            raise error
        self._record(envelope)

    def _record(self, envelope: Envelope) -> None:
        """A store that is away, which it says in the log, doesn't hold a job up: the row is rebuilt from the reply."""
        if self.records is not None:
            written: Future[RecordsDown | None] = Future()
            self.records.write([Accepted(envelope)], written.set_result)
            written.result()


class _Session:
    """The Link of one process and who waits on it."""

    def __init__(self, settings: Settings, names: Names, role: str) -> None:
        self.pid = os.getpid()
        client = new_client()
        self.reply_key = f"r.{client}"
        self.ledger, self.ids = Ledger(), Ids()  # ids of two processes never meet
        self.link = Link(settings, role, [reply_queue(names, client, self._receive)])
        self.link.start()

    def expect(self, id: str) -> Future[Reply]:
        """A future for the reply of job `id`; it waits as long as somebody holds it."""
        waiter: Future[Reply] = Future()
        return self.ledger.enter(id, waiter)

    def _receive(self, deliveries: Sequence[Delivery]) -> None:
        """In the Link's thread."""
        for delivery in deliveries:
            try:
                self.ledger.settle(unpack_reply(delivery.message))
            except Unreadable as error:
                log.warning("message.unreadable", queue=delivery.queue, reason=str(error))
            self.link.ack(delivery)


def _in_time(waiter: Future[Reply], timeout: float, id: str) -> Reply:
    try:
        return waiter.result(max(timeout, 0.0))
    except FutureTimeout:
        raise NoReplyInTime(f"no reply for job {id} in {timeout:.3f} s; the job itself goes on") from None
