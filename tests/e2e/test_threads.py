"""One process, 64 threads, 20,000 calls: every caller gets its own reply, over one pair of connections."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from producer.blocking import Client
from shared.jobs.text import CountText
from shared.settings import Settings
from tests.support.broker import Broker
from tests.support.deployment import deployed, eventually

CALLS, THREADS = 20_000, 64


@pytest.mark.timeout(240)
def test_no_reply_is_mixed_up_in_twenty_thousand_calls(broker: Broker, tmp_path: Path) -> None:
    with broker.fresh_vhost() as fresh, deployed(tmp_path / "threads", workers=2, broker=fresh, FAIRWAY_LOG_LEVEL="warning"):
        settings = Settings.model_validate({"amqp_url": fresh.amqp_url})
        with Client(settings, role="threads") as client, ThreadPoolExecutor(THREADS) as pool:

            def call(number: int) -> bool:
                return client.call(CountText(text="x" * (number % 997)), timeout=60).characters == number % 997

            assert all(pool.map(call, range(CALLS)))
            name = f"fairway threads {socket.gethostname()}:{os.getpid()}"
            ours = eventually(lambda: [one for one in fresh.connections() if one["client_properties"]["connection_name"] == name], 15)
            assert len(ours) == 2
            assert client.unclaimed_replies == 0
