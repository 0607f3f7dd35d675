"""The record keeper: carries what the records queue says into the store, and acks it after the commit.

Every replica has one; they share the queue. One batch is written while the next one gathers. While the
store is away the deliveries stay unacked, so nothing is lost and the broker holds the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from producer.web.endings import ending_of
from shared.backoff import Backoff, full_jitter
from shared.errors import RecordsDown, Unreadable, Unstorable
from shared.link import Delivery, Mailbox, SharedQueue
from shared.log import Logger
from shared.records import Ended, Records
from shared.submission import now_ms
from shared.topology import Names

log = Logger()

PREFETCH = 1000
LONGEST_REST = 5.0  # seconds between tries while the store is away


class Keeper:
    """`ack` settles a delivery. Start it on the loop before its subscription brings something."""

    def __init__(self, records: Records, names: Names, ack: Callable[[Delivery], None], backoff: Backoff | None = None) -> None:
        self._records, self._names, self._ack = records, names, ack
        self._backoff = backoff or full_jitter(limit=LONGEST_REST)
        self._waiting: list[Delivery] = []
        self._stopping = False

    @property
    def subscription(self) -> SharedQueue:
        """What the Link is to bring."""
        return SharedQueue(self._names.records, PREFETCH, self._receive)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._arrived: Mailbox[Delivery] = Mailbox(loop, self._take)
        self._task = loop.create_task(self._run())

    @property
    def running(self) -> bool:
        return not self._task.done()

    async def stop(self, timeout: float) -> None:
        """Finish what is in hand, at most for `timeout` seconds; what stays unacked goes back to the queue."""
        self._stopping = True
        self._came.set()
        await asyncio.wait({self._task}, timeout=timeout)
        self._task.cancel()

    def _receive(self, deliveries: Sequence[Delivery]) -> None:
        """In the Link's thread."""
        self._arrived.put_all(deliveries)

    def _take(self, deliveries: list[Delivery]) -> None:
        self._waiting += deliveries
        self._came.set()

    async def _run(self) -> None:
        try:
            while self._waiting or not self._stopping:
                await self._came.wait()
                self._came.clear()
                batch, self._waiting = self._waiting, []
                # Of a session that is over: the broker gives them out again.
                await self._keep([delivery for delivery in batch if delivery.origin.is_open])
        except Exception:  # a defect of ours; `/readyz` says from now on that this replica records nothing
            log.exception("records.keeper_failed")

    async def _keep(self, batch: Sequence[Delivery]) -> None:
        now = now_ms()
        endings: list[Ended] = []
        for delivery in batch:
            try:
                if (ending := ending_of(delivery, self._names, now)) is not None:
                    endings.append(ending)
            except Unreadable as error:
                log.warning("records.unreadable", exchange=delivery.exchange, reason=str(error))
        await self._store(endings)
        for delivery in batch:
            self._ack(delivery)

    async def _store(self, endings: Sequence[Ended]) -> None:
        """Returns when all are safe on the disk, but for those that no store can hold."""
        attempt = 0
        while endings:
            match await written(self._records, endings):
                case None:
                    return
                case Unstorable() if len(endings) > 1:
                    for ending in endings:
                        await self._store((ending,))
                    return
                case Unstorable() as error:
                    log.error("records.unreadable", job=endings[0].reply.id, reason=str(error))
                    return
                case RecordsDown():  # the store says so in the log
                    attempt += 1
                    await asyncio.sleep(self._backoff(attempt))


async def written(records: Records, changes: Sequence[Ended]) -> RecordsDown | None:
    """Write, and wait until it is done."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[RecordsDown | None] = loop.create_future()

    def resolve(error: RecordsDown | None) -> None:
        if not done.done():
            done.set_result(error)

    records.write(changes, lambda error: _from_thread(loop, resolve, error))
    return await done


def _from_thread(loop: asyncio.AbstractEventLoop, resolve: Callable[[RecordsDown | None], None], error: RecordsDown | None) -> None:
    try:
        loop.call_soon_threadsafe(resolve, error)
    except RuntimeError:
        return  # the loop is closed: the deliveries go back to the queue
