"""The compose file, brought up once for all checks and taken down with its volumes. COMPOSE_TEST_PROJECT names the project."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest

from tests.e2e.compose.stack import Stack

HEALTHY_WITHIN = 90.0  # seconds after `up`


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """All of it with four workers, healthy in time."""
    stack = Stack(os.environ.get("COMPOSE_TEST_PROJECT", "fairway-compose-test"))
    stack.down()  # what a run left behind that was killed
    stack.compose("build")  # downloads have no deadline
    end = time.monotonic() + HEALTHY_WITHIN
    try:
        stack.up()
        stack.wait_healthy(end - time.monotonic())
        yield stack
    finally:
        if request.session.testsfailed:
            sys.stderr.write(stack.logs())
        stack.web.close()
        stack.down()
