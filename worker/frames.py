"""What a worker and its child process say to each other, a closed set each way.

On the pipe a frame is two lengths, a JSON array of its name and fields, and its body as it is: job
arguments and replies are bytes already, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Literal, NamedTuple


class Start(NamedTuple):
    """The first word: how to begin. `limit` in bytes for a reply."""

    parent: int
    path: list[str]
    modules: list[str]
    worker: str
    log: Literal["auto", "json", "console"]
    log_level: str
    limit: int
    body: bytes = b""


class Run(NamedTuple):
    """Run the handler `function` of `module` for this job, whose arguments are the body."""

    module: str
    function: str
    id: str
    type: str
    queue: str
    created: int
    attempt: int
    tags: list[str]
    body: bytes


class Submitted(NamedTuple):
    """The further job was accepted."""

    id: str
    body: bytes = b""


class NotSubmitted(NamedTuple):
    """The further job was not accepted: an error of `shared.errors`, with the job's id where it carries one."""

    error: str
    detail: str
    id: str = ""
    body: bytes = b""


class Ready(NamedTuple):
    """The child's first word: modules are imported, start hooks have run."""

    body: bytes = b""


class Done(NamedTuple):
    """The reply is the body."""

    body: bytes


class TooLong(NamedTuple):
    """The reply has `size` bytes and was not sent."""

    size: int
    body: bytes = b""


class Rejected(NamedTuple):
    """The handler raised `Reject`."""

    reason: str
    body: bytes = b""


class Failed(NamedTuple):
    """The handler (or, before `Ready`, a start hook) raised an error."""

    name: str
    detail: str
    traceback: str
    body: bytes = b""


class Submit(NamedTuple):
    """The handler submits a further job, of the class `name` in `module`; its arguments are the body."""

    module: str
    name: str
    queue: str | None
    tags: list[str]
    body: bytes


Answer = Done | TooLong | Rejected | Failed
Frame = Start | Run | Submitted | NotSubmitted | Ready | Submit | Answer

LENGTHS = struct.Struct("!IQ")  # of the array, and of the body
_KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (Start, Run, Submitted, NotSubmitted, Ready, Submit, Done, TooLong, Rejected, Failed)
}


def pack(frame: Frame) -> bytes:
    """A frame as bytes for the pipe."""
    *fields, body = frame
    head = json.dumps([type(frame).__name__, *fields]).encode()
    return LENGTHS.pack(len(head), len(body)) + head + body


def unpack(head: bytes, body: bytes) -> Frame:
    """The frame in a head and a body. Raises `ValueError`, `KeyError` or `TypeError` where there is none."""
    name, *fields = json.loads(head)
    frame: Frame = _KINDS[name](*fields, body)
    return frame
