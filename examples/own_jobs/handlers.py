"""What the shop's workers do: effects that happen once though a job may run twice, a further job, hooks.

SHOP_LEDGER names the SQLite file of the ledger, `ledger.sqlite3` where it isn't set.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from own_jobs.jobs import Charge, Charged, Receipt
from worker.context import current
from worker.handler import handles
from worker.hooks import on_start


@contextmanager
def _ledger() -> Iterator[sqlite3.Connection]:
    """A connection of this thread, in a transaction that ends with the block."""
    with closing(sqlite3.connect(os.environ.get("SHOP_LEDGER", "ledger.sqlite3"), timeout=5)) as ledger, ledger:
        yield ledger


@on_start
def make_ledger() -> None:
    """Runs in each worker before its first job."""
    with _ledger() as ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS charges (job TEXT PRIMARY KEY, order_id TEXT, cents INTEGER)")


@handles(Charge, timeout=10)
def charge(job: Charge) -> Charged:
    """Charge once, however often this runs: the job's id is the key, in the same transaction as the effect.

    The receipt is a job of its own, with a queue of its own: a run that comes again sends it again.
    """
    context = current()
    with _ledger() as ledger:
        ledger.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?)", (context.id, job.order, job.cents))
        (cents,) = ledger.execute("SELECT sum(cents) FROM charges WHERE order_id = ?", (job.order,)).fetchone()
    receipt = context.submit(Receipt(order=job.order, cents=cents), tags=[job.order])
    return Charged(order=job.order, cents=cents, receipt=receipt)


@handles(Receipt, timeout=10)
async def receipt(job: Receipt) -> str:
    """A coroutine: it runs on the worker's loop, beside many others, and must not block it."""
    return f"Order {job.order}: paid {job.cents / 100:.2f}"
