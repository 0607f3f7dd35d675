"""Reading a request's body: counted as it comes, whatever its length was said to be, and never waited for without an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from starlette.requests import Request

from producer.web.answers import HttpProblem

PATIENCE = 30.0  # seconds for a body that is read whole, and for the next piece of one that is streamed

JSON = "application/json"
NDJSON = "application/x-ndjson"

RawHeaders = Mapping[bytes, bytes]
Line = TypeVar("Line", bytes, bytearray)


def media_type(headers: RawHeaders, *accepted: str) -> str:
    """The content type without its parameters. Raises `HttpProblem` (415) where it isn't one of `accepted`, or encoded."""
    found = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    if found not in accepted:
        detail = f"send `Content-Type: {' or '.join(accepted)}`, not {found[:80] or 'none'}"
        raise HttpProblem(415, "unsupported_media_type", "A body of this content type is not read.", detail)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise HttpProblem(415, "unsupported_media_type", "An encoded body is not read.", "send the body without a `Content-Encoding`")
    return found


async def whole(request: Request, headers: RawHeaders, limit: int) -> bytes:
    """The body of at most `limit` bytes. Raises `HttpProblem`: 413 over the limit, 408 where it stays away."""
    said = headers.get(b"content-length", b"0")
    if said.isdigit() and int(said) > limit:
        raise too_large(limit)
    found: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise too_large(limit)
                found.append(piece)
    except TimeoutError:
        raise _late() from None
    return b"".join(found)


async def lines(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The lines of a body as they come in, without empty ones. Raises `HttpProblem` as `whole`, 413 for a line."""
    line = bytearray()
    async for piece in pieces(request):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line += end
            if line.strip():
                yield _checked(bytes(line), limit)
            line.clear()
        line += rest
        _checked(line, limit)
    if line.strip():
        yield bytes(line)


def _checked(line: Line, limit: int) -> Line:
    if len(line) > limit:
        raise too_large(limit)
    return line


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes in. Raises `HttpProblem` (408) where it stops coming."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _late() from None
        yield piece


def too_large(limit: int) -> HttpProblem:
    """Over `limit` bytes."""
    return HttpProblem(413, "too_large", "The body is over the size limit.", f"at most {limit} bytes (FAIRWAY_BODY_LIMIT)")


def _late() -> HttpProblem:
    return HttpProblem(408, "timeout", "The body did not come.", f"it stopped coming for {PATIENCE:g} s")
