"""Reading frames from a stream, however it is cut into pieces, and with poison in it."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame
from pika.exceptions import InvalidFrameError
from pika.spec import Basic, BasicProperties

from shared.link.connection import Connection
from tests.support.poison import field, nested, raw


class Reader(Connection):
    """A connection without a socket: what it reads, it keeps."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self._frame_buffer = b""
        self.bytes_received = self.frames_received = 0

    def _process_frame(self, frame_value: Any) -> None:
        self.frames.append(frame_value)

    def take(self, data: bytes) -> None:
        """What the transport calls, with what it has read."""
        super()._on_data_available(data)  # pyright: ignore[reportAttributeAccessIssue] - typeshed leaves it out


def message(number: int, body: bytes, properties: BasicProperties) -> list[Any]:
    frames = [frame.Method(1, Basic.Deliver("tag", number, False, "exchange", "key")), frame.Header(1, len(body), properties)]
    return [*frames, *([frame.Body(1, body)] if body else [])]


BODIES = st.lists(st.binary(max_size=300), min_size=1, max_size=6)


@given(BODIES, st.lists(st.integers(1, 200), max_size=60))
def test_frames_are_the_same_however_they_arrive(bodies: list[bytes], pieces: list[int]) -> None:
    sent = [one for number, body in enumerate(bodies) for one in (*message(number, body, BasicProperties(type="t")), frame.Heartbeat())]
    stream = b"".join(one.marshal() for one in sent)
    reader, position = Reader(), 0
    for piece in [*pieces, len(stream)]:
        if data := stream[position : position + piece]:
            before = reader.heard
            reader.take(data)
            assert reader.heard != before
        position += piece
    assert [one.marshal() for one in reader.frames] == [one.marshal() for one in sent]
    assert reader.bytes_received == len(stream)


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        (raw(b"t", b"1", headers=field(b"when", b"T", struct.pack(">Q", 2**63 - 1))), "OverflowError|ValueError|OSError"),
        (raw(b"t", b"1", headers=nested(3000)), "RecursionError"),
        (raw(b"t", b"1", headers=field(b"n", b"d", struct.pack(">d", float("nan")))), "ValueError"),
        (raw(b"t", b"1", headers=field(b"n", b"f", struct.pack(">f", float("inf")))), "OverflowError"),
        (raw(b"t", b"1", headers=field(b"n", b"I", b"\x00")), "error"),
    ],
)
def test_a_content_header_that_cannot_be_decoded_comes_without_its_properties(properties: BasicProperties, kind: str) -> None:
    reader = Reader()
    for number, one in enumerate((BasicProperties(type="before"), properties, BasicProperties(type="after"))):
        for sent in message(number, b"{}", one):
            reader.take(sent.marshal())
    headers = [one for one in reader.frames if isinstance(one, frame.Header)]
    assert [one.properties.type for one in headers] == ["before", None, "after"]
    assert headers[1].body_size == 2
    assert str(headers[1].properties.content_type).removeprefix("undecodable (").removesuffix(")") in kind.split("|")


def test_what_is_no_frame_ends_the_connection() -> None:
    good = frame.Heartbeat().marshal()
    with pytest.raises(InvalidFrameError):
        Reader().take(good[:-1] + b"\x00")


def test_it_writes_once_a_turn_of_the_loop_and_in_order() -> None:
    written: list[bytes] = []

    class Writer(Reader):
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            super().__init__()
            self._ours, self._unsent = loop, []
            self.frames_sent = self.bytes_sent = 0
            self.connection_state = self.CONNECTION_OPEN

        def _adapter_emit_data(self, data: bytes) -> None:
            written.append(data)

    async def write() -> None:
        writer = Writer(asyncio.get_running_loop())
        for number in range(3):
            writer._output_marshaled_frames([b"%d" % number, b"-"])  # noqa: SLF001
        assert written == []
        await asyncio.sleep(0)
        writer._output_marshaled_frames([b"next"])  # noqa: SLF001
        await asyncio.sleep(0)

    asyncio.run(write())
    assert written == [b"0-1-2-", b"next"]
