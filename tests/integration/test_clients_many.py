"""Many calls at once over one client: none gets another's reply, and one pair of connections is enough."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import producer.aio
import producer.blocking
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.fleet import ROOT, Fleet, fleet_on
from tests.support.jobs import Echo
from tests.support.links import settings_for
from tests.support.proxy import proxied

THREADS, CALLS = 64, 50


@pytest.fixture(scope="module")
def vhost(broker: Broker) -> Iterator[Broker]:
    with broker.fresh_vhost() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def fleet(vhost: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet_on(vhost.amqp_url, tmp_path_factory.mktemp("fleet")) as fleet:
        fleet.worker(queues="default")
        yield fleet


def test_64_threads_share_one_client_without_a_mix_up(fleet: Fleet, vhost: Broker) -> None:
    wrong: list[tuple[str, object]] = []

    def call(client: producer.blocking.Client, name: int) -> None:
        for number in range(CALLS):
            text = f"{name}-{number}"
            try:
                answer: object = client.call(Echo(text=text), timeout=30)
            except Exception as error:  # noqa: BLE001 - a thread's error is the test's to tell
                answer = error
            if answer != text:
                wrong.append((text, answer))

    with proxied(fleet.amqp_url) as proxy, producer.blocking.Client(settings_for(proxy.url), role="many") as client:
        threads = [threading.Thread(target=call, args=(client, name)) for name in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert client.unclaimed_replies == 0
        assert proxy.accepted == 2
        eventually(lambda: named(vhost, f"fairway many {socket.gethostname()}:{os.getpid()}") == 2, 15)


def named(vhost: Broker, name: str) -> int:
    """How many connections of this name the broker shows in its admin UI."""
    return sum(one.get("client_properties", {}).get("connection_name") == name for one in vhost.connections())


async def test_thousands_of_coroutines_share_one_client_without_a_mix_up(fleet: Fleet) -> None:
    async with producer.aio.Client(settings_for(fleet.amqp_url, confirm_timeout=20)) as client:
        texts = [str(number) for number in range(3000)]
        assert await asyncio.gather(*(client.call(Echo(text=text), timeout=30) for text in texts)) == texts
        assert client.unclaimed_replies == 0


def test_a_client_that_was_used_before_the_fork_works_in_both_processes(fleet: Fleet) -> None:
    command = [sys.executable, "-m", "tests.support.forked", fleet.amqp_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert sorted(done.stdout.split("\n")) == ["", *(f"{who}: right healthy 0" for who in ("after", "before", "child", "parent"))], (
        done.stderr
    )
    assert done.returncode == 0
