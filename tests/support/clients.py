"""Both clients behind one face, so that one suite tells whether they promise the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import producer.aio
import producer.blocking
from shared.job import Job
from shared.link import LinkStatus
from shared.record import Record
from shared.settings import Settings

R = TypeVar("R")


class Handle(Protocol):
    """A job that was accepted."""

    id: str

    def result(self, timeout: float) -> Any: ...
    def status(self) -> Record: ...


class Client(Protocol):
    """What both clients can do, called from any thread."""

    @property
    def link_status(self) -> LinkStatus: ...
    @property
    def unclaimed_replies(self) -> int: ...
    def ready(self, timeout: float) -> None: ...
    def submit(self, job: Job[Any], **options: Any) -> Handle: ...
    def call(self, job: Job[Any], **options: Any) -> Any: ...
    def status(self, id: str) -> Record: ...
    def close(self) -> None: ...


class AioFace:
    """The asyncio client, on a loop in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aio", daemon=True)
        self._thread.start()
        self.client = producer.aio.Client(settings)

    @property
    def link_status(self) -> LinkStatus:
        return self._run(_called(lambda: self.client.link_status))

    @property
    def unclaimed_replies(self) -> int:
        return self._run(_called(lambda: self.client.unclaimed_replies))

    def ready(self, timeout: float) -> None:
        self._run(self.client.ready(timeout))

    def submit(self, job: Job[Any], **options: Any) -> Handle:
        return AioHandle(self._run(self.client.submit(job, **options)), self._run)

    def call(self, job: Job[Any], **options: Any) -> Any:
        return self._run(self.client.call(job, **options))

    def status(self, id: str) -> Record:
        return self._run(self.client.status(id))

    def close(self) -> None:
        self._run(self.client.close())

    def end(self) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class AioHandle:
    def __init__(self, handle: producer.aio.JobHandle[Any], run: Callable[[Any], Any]) -> None:
        self.id, self._handle, self._run = handle.id, handle, run

    def result(self, timeout: float) -> Any:
        return self._run(self._handle.result(timeout))

    def status(self) -> Record:
        record: Record = self._run(self._handle.status())
        return record


async def _called(function: Callable[[], R]) -> R:
    return function()


@contextmanager
def aio_client(settings: Settings) -> Iterator[Client]:
    face = AioFace(settings)
    try:
        yield face
    finally:
        face.end()


@contextmanager
def blocking_client(settings: Settings) -> Iterator[Client]:
    client: Any = producer.blocking.Client(settings)
    try:
        yield client
    finally:
        client.close()
