"""Golden messages of wire version 1: jobs and replies as they lie on queues today, and must be read for ever.

Files are added, never changed: a message that was written by an older release may wait for days. Those
that name the way `pack` are also what today's release must write, to the byte.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import Envelope, Reply, State
from shared.errors import PROBLEM
from shared.message import Message
from shared.wire import pack_job, pack_reply, unpack_job, unpack_reply

FOLDER = Path(__file__).parent / "golden" / "wire-1"


def golden(kind: str, way: str) -> list[Any]:
    """The documents of this kind (`job` or `reply`) that hold for this way."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{kind}*.json"))}
    return [pytest.param(document, id=name) for name, document in found.items() if way in document["ways"]]


def message(document: Any) -> Message:
    return Message(**{**document["message"], "body": document["message"]["body"].encode()})


def envelope(document: Any) -> Envelope:
    value = document["value"]
    return Envelope(**{**value, "args": value["args"].encode(), "tags": tuple(value["tags"])})


def reply(document: Any) -> Reply:
    value = document["value"]
    return Reply(
        **{
            **value,
            "state": State(value["state"]),
            "reply": value["reply"].encode() if value["reply"] is not None else None,
            "problem": PROBLEM.validate_python(value["problem"]) if value["problem"] else None,
            "tags": tuple(value["tags"]),
        }
    )


@pytest.mark.parametrize("document", golden("job", "unpack"))
def test_a_job_of_version_1_is_read(document: Any) -> None:
    assert unpack_job(message(document), document["value"]["queue"]) == envelope(document)


@pytest.mark.parametrize("document", golden("job", "pack"))
def test_a_job_is_written_as_ever(document: Any) -> None:
    assert pack_job(envelope(document)) == message(document)


@pytest.mark.parametrize("document", golden("reply", "unpack"))
def test_a_reply_of_version_1_is_read(document: Any) -> None:
    assert unpack_reply(message(document)) == reply(document)


@pytest.mark.parametrize("document", golden("reply", "pack"))
def test_a_reply_is_written_as_ever(document: Any) -> None:
    assert pack_reply(reply(document)) == message(document)


def test_there_are_golden_messages_of_each_kind_and_way() -> None:
    assert all(golden(kind, way) for kind in ("job", "reply") for way in ("pack", "unpack"))
