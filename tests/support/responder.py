"""A worker played by hand: takes one job when told to, and answers what and when a test says."""

from __future__ import annotations

from pika.spec import BasicProperties
from pydantic_core import to_json

from shared.envelope import Envelope, Reply, State
from shared.link.codec import message_of, properties_of
from shared.wire import pack_reply, unpack_job
from tests.support.fleet import NAMES
from tests.support.rabbit import Rabbit


class Responder:
    """Of the work queue `queue`."""

    def __init__(self, rabbit: Rabbit, queue: str) -> None:
        self._rabbit, self._queue = rabbit, queue
        self._taken: list[Envelope] = []

    @property
    def waiting(self) -> int:
        return self._rabbit.ready(NAMES.work(self._queue))

    def next(self) -> Envelope:
        """The next job, as soon as there is one."""
        if not self._taken:
            found = self._rabbit.take(NAMES.work(self._queue), 1)
            self._taken += [unpack_job(message_of(one.properties, one.body), self._queue) for one in found]
        return self._taken.pop(0)

    def reply(self, job: Envelope, value: object) -> None:
        """Answer the job with this value."""
        reply = Reply(job.id, job.type, job.queue, State.DONE, job.created, to_json(value), worker="by hand")
        message = pack_reply(reply)
        self._rabbit.send(NAMES.replies, job.reply_to or "r.none", message.body, properties_of(message))

    def properties(self, id: str) -> BasicProperties:
        """Those of a reply, for a body that is none."""
        return BasicProperties(correlation_id=id, headers={"fairway-v": 1, "fairway-state": "done"})
