"""The worker, assembled: take a delivery, run it, settle it, until told to stop.

    delivery ──► unpack ──► (adopt, or) dispatch ──► attempt ──► judge ──► settle ──► ack

Stopping, in this order: take no more; hand back what has not started; let what runs end within the
grace; give back the rest.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence

from shared.errors import Problem, Unreadable
from shared.link import Delivery, Link, LinkStatus, Mailbox, SharedQueue
from shared.log import Logger
from shared.submission import now_ms
from shared.topology import Names
from shared.wire import unpack_job
from worker.adoption import Book, Verdict
from worker.execution import Execution
from worker.handler import Run
from worker.held import Held
from worker.outcome import Dead, Done, GivenBack, Outcome
from worker.places import Place, windows
from worker.settlement import Settlement
from worker.tally import Tally

log = Logger()

PATIENCE = 1.0  # seconds that a delivery may wait for a slot before it is handed back
LAST_WORDS = 1.0  # seconds for what was cancelled to give its delivery back


class Service:
    """Runs jobs on the loop it is made on. `queues`: which to take from, and where their handlers run."""

    def __init__(self, names: Names, queues: Mapping[str, Run], places: Mapping[Run, Place], execution: Execution, tally: Tally) -> None:
        self._names, self._queues, self._places, self._execution, self.tally = names, queues, places, execution, tally
        self._loop = asyncio.get_running_loop()
        self._routes = {names.work(queue): (queue, places[run]) for queue, run in queues.items()}
        self.book = Book(sum(place.slots for place in places.values()))
        self._arrived: Mailbox[Delivery] = Mailbox(self._loop, self._receive)
        self._statuses: Mailbox[LinkStatus] = Mailbox(self._loop, self._reconsider)
        self._tasks: set[asyncio.Task[None]] = set()  # what is settled without having run
        self._log = log.bind()  # bound once: the lazy logger costs as much as a job's validation
        self._handing_back: asyncio.TimerHandle | None = None
        self._context = contextvars.copy_context()
        self._windows: dict[str, int] = {}
        self._healthy = self._leaving = self._adopted = False

    def subscriptions(self) -> Sequence[SharedQueue]:
        """What the Link is to consume."""
        prefetch = windows(self._places, self._queues, {}, {})
        return [SharedQueue(self._names.work(queue), prefetch[queue], self._arrived.put_all) for queue in self._queues]

    def on_status(self, status: LinkStatus) -> None:
        """For the Link, in its thread."""
        try:
            self._statuses.put(status)
        except RuntimeError:
            return  # the loop is closed: the worker has left

    def serve(self, link: Link, settlement: Settlement) -> None:
        """Begin: deliveries come in from here on."""
        self._link, self._settlement = link, settlement
        link.start()

    async def stop(self, grace: float, cold: asyncio.Event) -> None:
        """Leave within `grace` seconds, or as soon as `cold` is set."""
        self._leaving = True
        self._link.stop_taking()
        for place in self._places.values():
            while (held := place.dispatch.next()) is not None:
                self._give_back(held)
        await self._settled(grace, cold)
        tasks = self._running()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS)

    # -- arriving ----------------------------------------------------------------------------------

    def _receive(self, deliveries: list[Delivery]) -> None:
        if self._leaving:  # these were on their way
            for delivery in deliveries:
                self._link.give_back(delivery)
            return
        for delivery in deliveries:
            if delivery.origin.is_open:  # else its session ended on the way: the broker gives it out again
                self._take(delivery)
        for place in self._places.values():
            self._start_waiting(place)
        if self._adopted:
            self._adopted = False
            self._widen()

    def _take(self, delivery: Delivery) -> None:
        queue, place = self._routes[delivery.queue]
        try:
            envelope = unpack_job(delivery.message, queue)
        except Unreadable as error:
            log.warning("message.unreadable", queue=queue, message=delivery.message.id, reason=str(error))
            problem = Problem("unreadable", "The message is not a job.", str(error))
            self._spawn(self._settlement.bury(delivery, queue, problem))
            return
        key = (envelope.id, envelope.attempt)
        match self.book.verdict(key, delivery):
            case Verdict.NEW:
                held = Held(envelope, delivery)
                self.book.enter(held)
                place.dispatch.add(held)
            case Verdict.FINISHED:
                log.info("job.adopted", job=envelope.id, running=False)
                self._link.ack(delivery)
            case Held() as running:
                self._adopt(running, delivery)

    def _adopt(self, held: Held, delivery: Delivery) -> None:
        log.info("job.adopted", job=held.envelope.id, running=True)
        held.delivery = delivery
        held.adopted = self._adopted = True

    # -- running -----------------------------------------------------------------------------------

    def _start_waiting(self, place: Place) -> None:
        while (held := place.next()) is not None:
            # The book holds it. In a context of its own: this may be the last step of another job's task.
            held.task = self._loop.create_task(self._life(held, place), context=self._context.copy())
        if len(place.dispatch) and self._handing_back is None:
            self._handing_back = self._loop.call_later(PATIENCE, self._hand_back_waiting)

    async def _life(self, held: Held, place: Place) -> None:
        """One job, from its start to its settlement."""
        held.started = now_ms()
        try:
            outcome = await self._execution.attempt(held.envelope)
            self._note(held, outcome)
            await self._settlement.settle(held, outcome)
        except asyncio.CancelledError:
            self.book.hand_back(held)  # unsettled: the broker gives it out again
            raise
        except Exception:
            log.exception("job.unsettled", reason="a defect of the worker")
            self._give_back(held)
        else:
            self._close(held, outcome)
        finally:
            place.free += 1
            self._start_waiting(place)

    def _note(self, held: Held, outcome: Outcome) -> None:
        ran, waited = now_ms() - held.started, held.started - held.envelope.created
        match outcome:
            case Done():
                self.tally.done += 1
                self.tally.finished[held.envelope.queue] += 1
                self._log.info("job.finished", outcome="done", wait_ms=waited, run_ms=ran)
            case Dead(problem):
                self.tally.failed += 1
                self.tally.finished[held.envelope.queue] += 1
                # Said, not bound: a job of an unknown type has had no attempt.
                who = {"job": held.envelope.id, "type": held.envelope.type, "attempt": held.envelope.attempt}
                self._log.warning(
                    "job.failed", outcome="dead", problem=problem.type, title=problem.title, wait_ms=waited, run_ms=ran, **who
                )
            case GivenBack():
                log.info("job.given_back", started=True, run_ms=ran)

    def _close(self, held: Held, outcome: Outcome) -> None:
        orphaned = held.orphaned
        if isinstance(outcome, GivenBack):
            self.book.hand_back(held)
        else:
            self.book.finish(held)
        if orphaned:
            self._widen()

    # -- giving back -------------------------------------------------------------------------------

    def _hand_back_waiting(self) -> None:
        """What couldn't start in time another worker may have."""
        self._handing_back = None
        for place in self._places.values():
            while (held := place.dispatch.next()) is not None:
                self.book.hand_back(held)
                if not held.orphaned:  # or the broker has it back already
                    log.info("job.given_back", job=held.envelope.id, type=held.envelope.type, started=False)
                    self._spawn(self._settlement.hand_back(held.delivery, held.envelope.queue))

    def _give_back(self, held: Held) -> None:
        self.book.hand_back(held)
        self._link.give_back(held.delivery)

    # -- the Link ----------------------------------------------------------------------------------

    def _reconsider(self, statuses: list[LinkStatus]) -> None:
        """The Link's status changed: what was out may come again, and windows must count what runs."""
        for status in statuses:
            if not status.healthy:
                self._windows.clear()
            if status.healthy != self._healthy:
                self._healthy = status.healthy
                if status.healthy:
                    log.info("worker.ready", queues=sorted(self._queues))
                elif not self._leaving:
                    log.info("worker.waiting", queues=sorted(self._queues), reason=status.detail)
        self._drop_orphans()
        self._widen()

    def _drop_orphans(self) -> None:
        """What waits for a slot and was lost with its connection is not ours any more."""
        for place in self._places.values():
            kept: list[Held] = []
            while (held := place.dispatch.next()) is not None:
                if held.orphaned:
                    self.book.hand_back(held)
                else:
                    kept.append(held)
            for held in kept:
                place.dispatch.add(held)

    def _widen(self) -> None:
        """Within a session windows only grow: less would bring more, for a new consumer doesn't count what is out."""
        held = self.book.all()
        orphans = Counter(one.envelope.queue for one in held if one.orphaned)
        adopted = Counter(one.envelope.queue for one in held if one.adopted and not one.orphaned)
        for queue, prefetch in windows(self._places, self._queues, orphans, adopted).items():
            self._windows[queue] = max(prefetch, self._windows.get(queue, 0))
            self._link.set_prefetch(self._names.work(queue), self._windows[queue])

    # -- inside ------------------------------------------------------------------------------------

    async def _settled(self, grace: float, cold: asyncio.Event) -> None:
        """Until nothing runs, or the grace is over, or it is to be cold."""
        impatient = asyncio.create_task(cold.wait())
        until = self._loop.time() + grace
        while (tasks := self._running()) and not cold.is_set() and (left := until - self._loop.time()) > 0:
            await asyncio.wait({impatient, *tasks}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        impatient.cancel()

    def _running(self) -> set[asyncio.Task[None]]:
        return {held.task for held in self.book.all() if held.task is not None} | self._tasks

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
