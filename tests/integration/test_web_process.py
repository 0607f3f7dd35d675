"""`fairway web` as a process: it says where it listens, ends in good order, and keeps what clients send out of its log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.control.apply import apply
from shared.settings import Settings
from tests.support.broker import Broker
from tests.support.until import until
from tests.support.web import QUEUES, hand, settings_of

CANARY = "canary-5d41402abc4b2a76"
GREET = {"type": "test.greet", "args": {"name": CANARY}}


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return settings_of(broker, tmp_path)


@dataclass
class Process:
    """A running `fairway web`, with what it logged so far."""

    process: asyncio.subprocess.Process
    http: httpx2.AsyncClient
    said: list[dict[str, Any]]

    async def end(self) -> int:
        """Its exit code, with the whole log read."""
        assert self.process.stdout is not None
        self.said += [json.loads(line) for line in (await self.process.stdout.read()).splitlines()]
        return await self.process.wait()


@asynccontextmanager
async def running(settings: Settings, *words: str) -> AsyncGenerator[Process]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("FAIRWAY_")}
    environ = given | {
        "FAIRWAY_AMQP_URL": settings.amqp_urls[0],
        "FAIRWAY_PREFIX": settings.prefix,
        "FAIRWAY_JOBS": ",".join(settings.jobs),
        "FAIRWAY_RECORDS_URL": settings.records_url,
        "FAIRWAY_HOME": "/nowhere",
        "FAIRWAY_LOG": "json",
    }
    command = [sys.executable, "-m", "fairway", "web", "--port", "0", "--name", "web-7", *words]
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            first = json.loads(await process.stdout.readline())
        assert (first["event"], first["replica"]) == ("web.ready", "web-7")
        async with httpx2.AsyncClient(base_url=first["url"], timeout=30, trust_env=False) as http:
            while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - another process has to be asked
                await asyncio.sleep(0.05)
            yield Process(process, http, [first])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_sigterm_lets_who_waits_go_finishes_what_came_and_ends_well(settings: Settings) -> None:
    await apply(settings, QUEUES)
    async with running(settings) as web:
        with hand(settings) as worker:
            waiting = asyncio.create_task(web.http.post("/v1/jobs", json=GREET, headers={"Prefer": "wait=20"}))
            await until(lambda: len(worker.jobs) == 1)
            web.process.send_signal(signal.SIGTERM)
            answer = await asyncio.wait_for(waiting, 5)
            assert (answer.status_code, answer.json()["state"]) == (202, "queued")
            assert await asyncio.wait_for(web.end(), 10) == 0
        assert web.said[-1]["event"] == "web.stopped"
        assert CANARY not in json.dumps(web.said)


async def test_what_clients_send_is_never_logged(settings: Settings) -> None:
    await apply(settings, QUEUES)
    async with running(settings) as web:
        for body in (GREET, {**GREET, "args": {"nome": CANARY}}, {"type": CANARY, "args": {}}, {**GREET, "priority": CANARY}):
            await web.http.post("/v1/jobs", json=body)
        await web.http.post("/v1/jobs", content=CANARY.encode(), headers={"Content-Type": "application/json"})
        await web.http.get(f"/v1/jobs/{CANARY}", params={"wait": CANARY})
        web.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(web.end(), 10) == 0
        assert CANARY not in json.dumps(web.said)


async def test_a_port_that_is_taken_is_said_with_its_setting(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "fairway", "web", "--port", str(taken.getsockname()[1])]
        environ = {**os.environ, "FAIRWAY_JOBS": ",".join(settings.jobs), "FAIRWAY_RECORDS_URL": "off"}
        process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=asyncio.subprocess.PIPE)
        _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == os.EX_CONFIG
    assert b"FAIRWAY_WEB_PORT" in said
    assert b"Traceback" not in said
