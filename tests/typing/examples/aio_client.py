"""The asyncio client gives back what the job type says."""

from __future__ import annotations

from typing import assert_type

from producer.aio import Client, JobHandle
from tests.typing.examples.jobs import Forget, Resize, Resized


async def good(client: Client) -> None:
    assert_type(await client.call(Resize(url="x"), timeout=3), Resized)
    assert_type(await client.call(Forget(url="x")), None)
    handle = await client.submit(Resize(url="x"), queue="images", tags=("a", "b"))
    assert_type(handle, JobHandle[Resized])
    assert_type(await handle.result(timeout=3), Resized)
    assert_type(handle.id, str)


async def bad(client: Client) -> None:
    resized: Resized = await client.call(Forget(url="x"))  # E: it replies nothing
    words: str = await client.call(Resize(url="x"))  # E: it replies something else
    same: Resized = client.call(Resize(url="x"))  # E: it was not awaited
    await client.call("image.resize")  # E: a job is a value, not a name
    await client.call(Resize)  # E: a job is a value, not its type
    await client.submit(Resized(url="x", bytes=1))  # E: this is no job
    await client.submit(Resize(url="x"), queue=7)  # E: a queue is named
    handle: JobHandle[str] = await client.submit(Resize(url="x"))  # E: the handle is of another reply
    print(resized, words, same, handle)
