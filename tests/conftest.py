"""Fixtures of every test: a real RabbitMQ. Where none can be had a test fails, it never skips."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.broker import Broker, given_broker, launched_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The run's broker and its vhost: what FAIRWAY_AMQP_URL names, else a private node."""
    with given_broker() if "FAIRWAY_AMQP_URL" in os.environ else launched_broker() as found:
        yield found


@pytest.fixture(scope="session")
def own_broker() -> Iterator[Broker]:
    """A node that nobody else uses, to be stopped and restarted at will; leave it running."""
    with launched_broker() as found:
        yield found


@pytest.fixture
def fresh_broker(broker: Broker) -> Iterator[Broker]:
    """The run's broker with a vhost for this test alone."""
    with broker.fresh_vhost() as found:
        yield found
