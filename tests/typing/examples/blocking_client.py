"""The blocking client gives back what the job type says."""

from __future__ import annotations

from typing import assert_type

from producer.blocking import Client, JobHandle
from tests.typing.examples.jobs import Forget, Resize, Resized


def good(client: Client) -> None:
    assert_type(client.call(Resize(url="x"), timeout=3), Resized)
    assert_type(client.call(Forget(url="x")), None)
    handle = client.submit(Resize(url="x"), queue="images", tags=("a", "b"))
    assert_type(handle, JobHandle[Resized])
    assert_type(handle.result(timeout=3), Resized)
    assert_type(handle.id, str)


def bad(client: Client) -> None:
    words: str = client.call(Resize(url="x"))  # E: it replies something else
    client.call("image.resize")  # E: a job is a value, not a name
    client.call(Resize)  # E: a job is a value, not its type
    client.submit(Resized(url="x", bytes=1))  # E: this is no job
    client.submit(Resize(url="x"), reply="yes")  # E: `reply` is yes or no
    handle: JobHandle[str] = client.submit(Resize(url="x"))  # E: the handle is of another reply
    print(words, handle)
