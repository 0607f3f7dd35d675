"""Each program of examples/, run as its first lines say."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.deployment import Deployment, deployed

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def up(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With the samples and with the own jobs of the examples, which a person runs one at a time."""
    home = tmp_path_factory.mktemp("home")
    own = {
        "PYTHONPATH": str(EXAMPLES),
        "SHOP_LEDGER": str(home / "ledger.sqlite3"),
        "FAIRWAY_JOBS": "own_jobs.jobs,shared.jobs.text,shared.jobs.image,shared.jobs.math,shared.jobs.demo",
        "FAIRWAY_HANDLERS": "own_jobs.handlers,worker.handlers.text,worker.handlers.image,worker.handlers.math,worker.handlers.demo",
    }
    with broker.fresh_vhost() as fresh, deployed(home, workers=2, broker=fresh, **own) as deployment:
        yield deployment


def run(up: Deployment, program: str) -> list[str]:
    """The lines that the program prints, without those of the log."""
    environ = {name: value for name, value in up.environ.items() if name not in {"FAIRWAY_JOBS", "FAIRWAY_HANDLERS"}}
    done = subprocess.run([sys.executable, EXAMPLES / program], env=environ, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if " link." not in line]


def test_the_blocking_client(up: Deployment) -> None:
    words, slept, primes, failed = run(up, "blocking_client.py")
    assert words == "6 words, 4 of them different"
    assert slept in {"slept 0.2 s on worker-1", "slept 0.2 s on worker-2"}
    assert primes == "primes below 10, 100, 1000, 10000: 4 25 168 1229"
    assert failed.startswith("failed: ")


def test_the_async_client(up: Deployment) -> None:
    words, many, goes_on, slept = run(up, "async_client.py")
    assert words == "6 words, 4 of them different"
    assert many == "5050 words in 100 texts"
    assert goes_on.startswith("job 0")
    assert slept == "slept 0.5 s"


def test_own_jobs_charge_once_and_submit_the_receipt(up: Deployment) -> None:
    ids = [up.submit("shop.charge", {"order": "A-17", "cents": cents}) for cents in (1250, 50)]
    charged = up.ended(ids, within=20)
    assert [job["state"] for job in charged] == ["done", "done"]
    receipts = up.ended([job["reply"]["receipt"] for job in charged], within=20)
    assert "Order A-17: paid 13.00" in {job["reply"] for job in receipts}
    assert [job["tags"] for job in receipts] == [["A-17"], ["A-17"]]
    with sqlite3.connect(up.home / "ledger.sqlite3") as ledger:
        assert set(ledger.execute("SELECT job, cents FROM charges")) == {(ids[0], 1250), (ids[1], 50)}


def test_a_charge_that_runs_twice_charges_once(tmp_path: Path) -> None:
    """The handler as the function it is, in a context of its own; the broker isn't needed for this."""
    program = """
from contextlib import closing
import sqlite3
from own_jobs.handlers import charge, make_ledger
from own_jobs.jobs import Charge
from shared.envelope import Envelope
from shared.log import current_attempt
from worker.context import Context
make_ledger()
envelope = Envelope("job-1", "shop.charge", "shop", b"", 0)
current_attempt.set(Context(envelope, "worker-1", submit_blocking=lambda job, queue, tags: "receipt-1"))
for _ in range(2):
    assert charge(Charge(order="A-17", cents=1250)).cents == 1250
"""
    environ = {**os.environ, "PYTHONPATH": f"{EXAMPLES}{os.pathsep}{EXAMPLES.parent}", "SHOP_LEDGER": str(tmp_path / "ledger.sqlite3")}
    subprocess.run([sys.executable, "-c", program], env=environ, timeout=20, check=True)
