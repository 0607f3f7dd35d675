"""What the asyncio client does without a broker."""

from __future__ import annotations

import threading

from producer.aio import Client
from shared.settings import Settings
from tests.support.deliveries import a_delivery


def test_a_delivery_that_comes_while_the_client_is_closed_opens_no_connection() -> None:
    client = Client(Settings.load())
    client.ack(a_delivery())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fairway-link")]
