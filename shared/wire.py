"""The wire format, version 1, both ways: the only file that knows which property holds what.

The body of a job is its arguments as JSON and nothing else; all else is in properties and headers,
so that a job can be read in RabbitMQ's admin UI and published by hand, or from any language.
Of a job made by hand only `type` and `message_id` are required. Unknown headers are ignored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from shared.envelope import Envelope, Reply, State
from shared.errors import PROBLEM, Problem, Unreadable
from shared.job import NAME
from shared.message import HeaderValue, Message

VERSION = 1
PREFIX = "fairway-"
RECORDED = "fairway-recorded"
LONGEST_ID = 128
LONGEST_PROBLEM = 4096  # bytes of the short problem on a dead letter; the record has the full one
LONGEST_TAGS = 1000  # characters
LONGEST_HEADERS = 65_536  # bytes of what is sent on; over the frame size of 128 KiB the broker ends the connection
LAST_MS = 253_402_300_799_999  # the end of the year 9999: a later time can't be shown, and 64 bits would end
NOBODY = "r.none"
REPLY_KEY = re.compile(r"r\.[a-z0-9-]{1,64}")
TAG = re.compile(r"[A-Za-z0-9_.:@-]{1,40}")
ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TRACE = ("traceparent", "tracestate")


def pack_job(job: Envelope) -> Message:
    """An envelope as a message for the jobs exchange."""
    headers: dict[str, HeaderValue] = {
        "fairway-v": VERSION,
        "fairway-queue": job.queue,
        "fairway-attempt": job.attempt,
        "fairway-created": job.created,
    }
    if job.tags:
        headers["fairway-tags"] = ",".join(job.tags)
    return Message(job.args, job.id, job.type, job.id, job.reply_to, job.created // 1000, headers)


def unpack_job(message: Message, queue: str) -> Envelope:
    """The envelope in a message that came from the work queue `queue`.

    Raises `Unreadable` with the reason where it isn't a job of ours: no valid `type` or
    `message_id`, a content type other than JSON, an encoding, a newer version, a header of a wrong
    type, or a `reply_to` that is no reply key.
    """
    headers = message.headers
    _check_version(headers.get("fairway-v", VERSION))
    if message.content_type != "application/json":
        raise Unreadable(f"content type {message.content_type!r} is not application/json")
    if message.content_encoding:
        raise Unreadable(f"content encoding {message.content_encoding!r}: a body is never encoded")
    if not ID.fullmatch(message.id):
        raise Unreadable(f"message_id {message.id!r} is no job id: 1 to {LONGEST_ID} of A-Z a-z 0-9 _ . : -")
    if not NAME.fullmatch(message.type):
        raise Unreadable(f"type {message.type!r} is no name of a job type")
    if message.reply_to is not None and not REPLY_KEY.fullmatch(message.reply_to):
        raise Unreadable(f"reply_to {message.reply_to!r} is no reply key (r.<client>)")
    created = headers.get("fairway-created")
    if created is None:
        created = message.timestamp * 1000 if message.timestamp is not None else time.time_ns() // 1_000_000
    tags = headers.get("fairway-tags", "")
    if not isinstance(tags, str) or len(tags) > LONGEST_TAGS:
        raise Unreadable(f"header fairway-tags is no string of at most {LONGEST_TAGS} characters")
    return Envelope(
        message.id,
        message.type,
        queue,
        message.body,
        _whole("fairway-created", created),
        _whole("fairway-attempt", headers.get("fairway-attempt", 1)),
        message.reply_to,
        tuple(tags.split(",")) if tags else (),
    )


def pack_reply(reply: Reply) -> Message:
    """A reply as a message for the replies exchange; also what the records are kept from."""
    if reply.problem is None:
        body = b'{"reply":' + (reply.reply or b"null") + b"}"
    else:
        body = b'{"problem":' + PROBLEM.dump_json(reply.problem, exclude_none=True) + b"}"
    headers: dict[str, HeaderValue] = {
        "fairway-v": VERSION,
        "fairway-queue": reply.queue,
        "fairway-state": reply.state.value,
        "fairway-worker": reply.worker,
        "fairway-attempt": reply.attempt,
        "fairway-deliveries": reply.deliveries,
        "fairway-created": reply.created,
    }
    if reply.started is not None:
        headers["fairway-started"] = reply.started
    if reply.finished is not None:
        headers["fairway-finished"] = reply.finished
    if reply.tags:
        headers["fairway-tags"] = ",".join(reply.tags)
    stamp = None if reply.finished is None else reply.finished // 1000
    return Message(body, reply.id, reply.type, reply.id, None, stamp, headers)


_REPLY, _PROBLEM = b'{"reply":', b'{"problem":'


def unpack_reply(message: Message) -> Reply:
    """The reply in a message; raises `Unreadable` where it is none."""
    headers = message.headers
    _check_version(headers.get("fairway-v", VERSION))
    try:
        state = State(str(headers.get("fairway-state")))
        reply, problem = _answer(message.body)
    except ValueError as error:
        raise Unreadable(f"not a reply: {error}") from error
    tags = str(headers.get("fairway-tags", ""))
    return Reply(
        id=message.correlation_id,
        type=message.type,
        queue=str(headers.get("fairway-queue", "")),
        state=state,
        created=_whole("fairway-created", headers.get("fairway-created", 0)),
        reply=reply,
        problem=problem,
        worker=str(headers.get("fairway-worker", "")),
        attempt=_whole("fairway-attempt", headers.get("fairway-attempt", 1)),
        deliveries=_whole("fairway-deliveries", headers.get("fairway-deliveries", 1)),
        started=_whole_or_none("fairway-started", headers.get("fairway-started")),
        finished=_whole_or_none("fairway-finished", headers.get("fairway-finished")),
        tags=tuple(tags.split(",")) if tags else (),
    )


def _answer(body: bytes) -> tuple[bytes | None, Problem | None]:
    # Our own replies are cut, not parsed: the JSON inside is read once, by the one who wants it.
    if body.startswith(_REPLY) and body.endswith(b"}"):
        return body[len(_REPLY) : -1], None
    if body.startswith(_PROBLEM) and body.endswith(b"}"):
        return None, PROBLEM.validate_json(body[len(_PROBLEM) : -1])
    document = from_json(body)
    if isinstance(document, dict) and "problem" in document:
        return None, PROBLEM.validate_python(document["problem"])
    raise Unreadable("the body is neither a reply nor a problem")


def dead_letter(message: Message, problem: Problem, *, queue: str, worker: str, recorded: bool) -> Message:
    """A job's message as it goes to the dead letters: itself, with its problem (short) in a header.

    `recorded`: the whole problem has gone to the records already, which must not take the short one for it.
    """
    short = Problem(problem.type[:200], problem.title[:400], problem.detail[:1000])
    text = PROBLEM.dump_json(short, exclude_none=True).decode()
    if len(text.encode()) > LONGEST_PROBLEM:
        text = PROBLEM.dump_json(Problem(short.type, short.title), exclude_none=True).decode()
    headers = {**own_headers(message.headers), "fairway-queue": queue, "fairway-problem": text, "fairway-worker": worker}
    if recorded:
        headers[RECORDED] = True
    at = message.timestamp
    return message._replace(headers=headers, reply_to=None, timestamp=at if at is not None and 0 <= at * 1000 <= LAST_MS else None)


def handed_back(message: Message) -> Message:
    """A job's message as it is published anew, unchanged but for headers that aren't ours."""
    return message._replace(headers=own_headers(message.headers))


def own_headers(headers: Mapping[Any, Any]) -> dict[str, HeaderValue]:
    """Only ours and the W3C ones, as far as they fit. `x-death`, `x-delivery-count`, `CC`, `BCC` would be acted on by a broker."""
    own: dict[str, HeaderValue] = {}
    room = LONGEST_HEADERS
    for name, value in headers.items():
        # A name that is no UTF-8 comes as bytes, and so does a value.
        if isinstance(name, str) and (name.startswith(PREFIX) or name in _TRACE) and isinstance(value, (str, int)):
            size = len(name) + (len(value) * 4 if isinstance(value, str) else 8)
            if size <= room:
                own[name] = value
                room -= size
    return own


def _check_version(version: object) -> None:
    # A header may be anything, also what can't be compared (`Decimal("sNaN")`).
    if not isinstance(version, int) or version != VERSION:
        raise Unreadable(f"wire version {version!s:.40} is not {VERSION}")


def _whole(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_MS:
        return value
    raise Unreadable(f"header {name}: {value!r} is no whole number from 0 to {LAST_MS}")


def _whole_or_none(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value)
