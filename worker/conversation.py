"""One job talked through with a child process: the job goes out, further jobs are submitted for its
handler on the way, and the answer becomes what the port of an executor promises.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import assert_never

from shared.envelope import Envelope
from shared.errors import Reject
from shared.job import Job
from worker.childprocess import ChildProcess
from worker.context import Submitter
from worker.executor import HandlerFailed, ReplyTooLarge
from worker.frames import Answer, Done, Failed, NotSubmitted, Rejected, Run, Submit, Submitted, TooLong
from worker.handler import Handler


async def ask(child: ChildProcess, handler: Handler, envelope: Envelope, submit: Submitter) -> Answer:
    """Have `child` run `handler` once. Raises `EOFError` where the child goes, or gives no answer."""
    await child.send(_run(handler, envelope))
    while isinstance(said := await child.receive(), Submit):
        await child.send(await _submitted(said, submit))
    match said:
        case Done() | TooLong() | Rejected() | Failed():
            return said
        case _:
            raise EOFError(f"{type(said).__name__} is no answer")


def reply_of(answer: Answer, limit: int) -> bytes:
    """The reply as JSON. Raises `Reject`, `HandlerFailed`, or `ReplyTooLarge` where it was over `limit` bytes."""
    match answer:
        case Done(reply):
            return reply
        case TooLong(size):
            raise ReplyTooLarge(size, limit)
        case Rejected(reason):
            raise Reject(reason)
        case Failed(name, detail, traceback):
            raise HandlerFailed(name, detail, traceback)
        case _:
            assert_never(answer)


def _run(handler: Handler, envelope: Envelope) -> Run:
    function = handler.function
    return Run(
        function.__module__,
        function.__qualname__,
        envelope.id,
        envelope.type,
        envelope.queue,
        envelope.created,
        envelope.attempt,
        list(envelope.tags),
        envelope.args,
    )


async def _submitted(further: Submit, submit: Submitter) -> Submitted | NotSubmitted:
    try:
        kind: type[Job[object]] = attrgetter(further.name)(import_module(further.module))
        job = kind.model_validate_json(further.body)
        return Submitted(await submit(job, further.queue, tuple(further.tags)))
    except Exception as error:  # noqa: BLE001 - it is the handler's to hear
        return NotSubmitted(type(error).__name__, str(error), getattr(error, "id", ""))
