"""Messages that kill readers: raw content headers, put onto a queue as no well-behaved client would (AMQP 0-9-1, 4.2.6.1).

A broker takes each of these. `POISON` are those that are no job of ours; `ODD` look frightening and are jobs all the same.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from tests.support.rabbit import RawProperties

FAR = 2**63 - 1
BAD = b"\xff\xfe\xc3\x28"  # no UTF-8 whatever follows
FIELDS = (  # bit of the flags, and name, in the order in which they stand
    (15, "content_type"),
    (14, "content_encoding"),
    (13, "headers"),
    (10, "correlation_id"),
    (9, "reply_to"),
    (7, "message_id"),
    (6, "timestamp"),
    (5, "type"),
)


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def long(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def field(name: bytes, kind: bytes, value: bytes) -> bytes:
    """One entry of a header table."""
    return short(name) + kind + value


def nested(depth: int) -> bytes:
    """A table in a table in a table."""
    table = b""
    for _ in range(depth):
        table = field(b"x", b"F", long(table))
    return table


def raw(type: bytes, id: bytes, *, headers: bytes = b"", timestamp: int | None = None, **more: bytes) -> RawProperties:
    """The properties of a good job of this type and id, but for what is given."""
    given = {"content_type": b"application/json", "message_id": id, "type": type, **more}
    flags, values = 1 << 13, b""
    for bit, name in FIELDS:
        if name in given:
            flags, values = flags | 1 << bit, values + short(given[name])
        elif name == "headers":
            values += long(headers)
        elif name == "timestamp" and timestamp is not None:
            flags, values = flags | 1 << bit, values + struct.pack(">Q", timestamp)
    return RawProperties(struct.pack(">H", flags) + values)


def poison(type: bytes) -> Mapping[str, RawProperties]:
    """By name of what is wrong; these must end in the dead letters."""
    return {
        "a header of type timestamp, far in the future": raw(type, b"p1", headers=field(b"when", b"T", struct.pack(">Q", FAR))),
        "3,000 nested tables": raw(type, b"p2", headers=nested(3000)),
        "the timestamp, far in the future": raw(type, b"p3", timestamp=FAR),
        "a content type that is no UTF-8": raw(type, b"p4", content_type=BAD * 60),
        "a message id that is no UTF-8": raw(type, BAD * 60),
        "a type that is no UTF-8": raw(BAD * 60, b"p6"),
        "a reply key that is no UTF-8": raw(type, b"p7", reply_to=BAD * 60),
        "our own header, huge": raw(type, b"p8", headers=field(b"fairway-tags", b"S", long(b"x" * 126_000))),
        "our own header, of another type": raw(type, b"p9", headers=field(b"fairway-created", b"S", long(b"yesterday"))),
        "an encoded body": raw(type, b"p10", content_encoding=b"gzip"),
    }


def odd(type: bytes) -> Mapping[str, RawProperties]:
    """By name of what is odd; these are jobs all the same."""
    return {
        "a correlation id that is no UTF-8": raw(type, b"o1", correlation_id=BAD * 60),
        "a header's name that is no UTF-8": raw(type, b"o2", headers=field(BAD * 10, b"S", long(b"x"))),
        "a header's value that is no UTF-8": raw(type, b"o3", headers=field(b"fairway-x", b"S", long(BAD * 60))),
        "a foreign header, huge": raw(type, b"o4", headers=field(b"junk", b"S", long(b"x" * 126_000))),
        "300 nested tables": raw(type, b"o5", headers=nested(300)),
    }
