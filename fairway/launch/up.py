"""`fairway up`: a broker, the topology, the web tier and workers, from one command to one Ctrl-C.

What is opened here is closed in the opposite order: workers, web tier, RabbitMQ, its epmd.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from fairway.environment import forget, keep
from fairway.launch.banner import banner
from fairway.launch.broker import Say, start
from fairway.launch.crew import Crew
from fairway.launch.guard import guarded
from fairway.launch.place import RECORDS, Place
from fairway.launch.programs import Addresses, programs, worker_names
from fairway.launch.signals import Stop
from fairway.launch.web import Web
from shared.catalogue import Catalogue
from shared.control.apply import apply
from shared.errors import FairwayError
from shared.settings import Settings

START_LIMIT = 60.0
MARGIN = 5.0  # what a worker may take beyond its grace to leave


class NotReady(FairwayError):
    """The web tier or a worker did not come up in time."""


async def up(home: Path, workers: int, say: Say) -> int:
    """Run all of it in the folder `home` until SIGINT, SIGTERM or SIGHUP.

    Returns the exit code: 0 after a warm stop, 1 after a cold one. Raises `AlreadyUp`, `NotConfigured`,
    `NotReady`, `BrokerDown` or `TopologyDiffers`; whatever had been started is stopped by then.
    """
    settings = Settings.load()
    stop, launch = Stop(), Launch(home, settings, workers, say)
    with launch.place.held(), stop.listening():
        await launch.run(stop)
    return 1 if stop.cold.is_set() else 0


class Launch:
    """One `fairway up`."""

    def __init__(self, home: Path, settings: Settings, workers: int, say: Say) -> None:
        self.place = Place(home)
        self._began = time.monotonic()
        self._settings = settings
        self._queues = Catalogue.load(settings.jobs).queues
        self._web = Web(settings.web_host, settings.web_port or _any_port())
        self._workers = workers
        self._say = say

    async def run(self, stop: Stop) -> None:
        self.place.end_children(self._say)
        self._web.must_be_free()
        async with self._broker() as (amqp, management):
            addresses = Addresses(amqp, management, self._web.url, self._records())
            await apply(self._settings.model_copy(update={"amqp_url": SecretStr(amqp)}), self._queues)
            async with self._crew(addresses, stop) as crew:
                await _first(stop.warm.wait(), crew.failure(), self._ready())
                if not stop.warm.is_set():
                    self._say(banner(addresses, self._workers, time.monotonic() - self._began))
                await _first(stop.warm.wait(), crew.failure())

    @asynccontextmanager
    async def _broker(self) -> AsyncGenerator[tuple[str, str | None]]:
        """The addresses of RabbitMQ and its management API: those that are given, else of one that is started."""
        if "amqp_url" in self._settings.model_fields_set:
            given = self._settings.management_url
            self._say("RabbitMQ: the one that FAIRWAY_AMQP_URL names (otherwise: unset it)")
            yield self._settings.amqp_url.get_secret_value(), given.get_secret_value() if given else None
            return
        server, config = await asyncio.to_thread(start, self.place.home, os.environ, self._say)
        async with guarded(server, self._say):
            yield config.amqp_url, config.management_url

    @asynccontextmanager
    async def _crew(self, addresses: Addresses, stop: Stop) -> AsyncGenerator[Crew]:
        """The running web tier and workers."""
        crew = Crew(programs(addresses, self._web.port, self._workers, os.environ), self.place.run, self._say)
        keep(self.place.home, addresses.variables)
        crew.start()
        try:
            yield crew
        finally:
            try:
                self._say(await self._farewell())
            finally:
                await crew.stop(stop, self._settings.grace + MARGIN)
                forget(self.place.home)

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(START_LIMIT):
                await self._web.until_attended(worker_names(self._workers))
        except TimeoutError as error:
            raise NotReady(
                f"the web tier and {self._workers} workers are not ready after {START_LIMIT:.0f} s, see their words above"
            ) from error

    async def _farewell(self) -> str:
        running = await self._web.running()
        jobs = f"waiting for {running} running job{'s' * (running != 1)}" if running else "waiting for what still runs"
        return f"stopping: {jobs}, at most {self._settings.grace:.0f} s (Ctrl-C again stops at once)"

    def _records(self) -> str:
        given = "records_url" in self._settings.model_fields_set
        return self._settings.records_url if given else f"sqlite:///{self.place.home / RECORDS}"


async def _first(*ways: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these to end, give the others up, and raise what it raised."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
