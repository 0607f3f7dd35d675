"""A body is counted as it comes in, whatever was said of its length, and lines are lines wherever it was cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from producer.web import body
from producer.web.answers import HttpProblem


def request(pieces: Sequence[bytes], headers: dict[bytes, bytes] | None = None, *, stalls: bool = False) -> Request:
    waiting: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting += [] if stalls else [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": list((headers or {}).items())}, receive)


async def test_a_body_at_the_limit_is_read_and_one_beyond_it_is_not() -> None:
    assert await body.whole(request([b"ab", b"cd"]), {}, 4) == b"abcd"
    with pytest.raises(HttpProblem) as found:
        await body.whole(request([b"ab", b"cde"]), {}, 4)
    assert found.value.status == 413


async def test_a_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    with pytest.raises(HttpProblem) as found:
        await body.whole(request([], stalls=True), {b"content-length": b"5"}, 4)
    assert found.value.status == 413


@pytest.mark.parametrize("said", [b"1", b"0", b"nonsense", b"-5"])
async def test_a_length_that_lies_helps_nobody(said: bytes) -> None:
    with pytest.raises(HttpProblem) as found:
        await body.whole(request([b"12345"]), {b"content-length": said}, 4)
    assert found.value.status == 413


async def test_a_body_that_stays_away_is_not_waited_for_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0.01)
    for reading in (body.whole(request([b"a"], stalls=True), {}, 4), anext(body.lines(request([b"a"], stalls=True), 4))):
        with pytest.raises(HttpProblem) as found:
            await reading
        assert found.value.status == 408


@given(st.lists(st.binary(max_size=12), max_size=8), st.data())
async def test_lines_are_the_same_wherever_the_body_was_cut(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    found = [line async for line in body.lines(request(pieces), 100)]
    assert found == [line for line in whole.split(b"\n") if line.strip()]


async def test_a_line_without_an_end_is_refused_as_soon_as_it_is_too_long() -> None:
    lines = body.lines(request([b"12\n345", b"6789"], stalls=True), 4)
    assert await anext(lines) == b"12"
    with pytest.raises(HttpProblem) as found:
        await anext(lines)
    assert found.value.status == 413


@pytest.mark.parametrize("said", [b"application/json", b"Application/JSON; charset=utf-8"])
def test_json_is_json(said: bytes) -> None:
    assert body.media_type({b"content-type": said}, body.JSON) == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/x-www-form-urlencoded"},
        {b"content-type": b"application/json", b"content-encoding": b"gzip"},
    ],
)
def test_another_content_is_not_read(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(HttpProblem) as found:
        body.media_type(headers, body.JSON)
    assert found.value.status == 415
