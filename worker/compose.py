"""The one place where a worker is put together, and the order in which it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
import socket
from collections.abc import AsyncGenerator, Sequence
from importlib.metadata import version
from typing import Any, assert_never

from shared.collector import settle_collector
from shared.errors import NotConfigured
from shared.link import Link, Outbox
from shared.log import Logger
from shared.settings import Settings
from shared.submission import now_ms
from shared.topology import Names
from worker.children import ProcessExecutor
from worker.dispatch import POLICIES
from worker.execution import Execution
from worker.executor import Executor
from worker.executors import LoopExecutor, ThreadExecutor
from worker.handler import Run
from worker.hooks import Hook
from worker.places import Place
from worker.presence import Presence
from worker.registry import Registry
from worker.service import Service
from worker.settlement import Settlement
from worker.submitter import LinkSubmitter
from worker.tally import Tally

log = Logger()


async def work(settings: Settings) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code: 0 after a warm stop, 1 after a cold one.

    Raises `NotConfigured` before anything is connected, and what a start hook raises.
    """
    if settings.ready_file is not None and not os.access(settings.ready_file.parent, os.W_OK):
        raise NotConfigured(f"FAIRWAY_READY_FILE: {settings.ready_file.parent} can't be written to")
    registry = Registry.load(settings.handlers)
    queues = registry.only(settings.queues)
    names, name = Names(settings.prefix), settings.own_name
    submitter = LinkSubmitter(settings, names)
    places = _places(settings, registry, set(queues.values()), name, submitter)
    execution = Execution(registry, {run: place.executor for run, place in places.items()}, settings.job_timeout, settings.body_limit)
    service = Service(names, queues, places, execution, Tally(queues))
    link = Link(settings, f"worker {name}" if settings.name else "worker", service.subscriptions(), service.on_status)
    loop = asyncio.get_running_loop()
    submitter.connect(link, loop)
    warm, cold = _signals(loop)
    settlement = Settlement(link, Outbox(link, loop), names, name, keeps_records=settings.keeps_records)
    presence = Presence(link, names, _about(settings, name, queues, places), service.book, service.tally, settings.ready_file)
    async with _ready(registry, [place.executor for place in places.values()]):
        settle_collector()
        service.serve(link, settlement)
        presence.start()
        await warm.wait()
        log.info("worker.stopping", running=len(service.book), grace=settings.grace)
        presence.stop_taking()
        await service.stop(settings.grace, cold)
        await asyncio.to_thread(presence.leave)
    await asyncio.to_thread(link.stop)
    log.info("worker.stopped", done=service.tally.done, failed=service.tally.failed, cold=cold.is_set())
    return 1 if cold.is_set() else 0


def _places(settings: Settings, registry: Registry, runs: set[Run], name: str, submitter: LinkSubmitter) -> dict[Run, Place]:
    return {run: Place(_executor(run, settings, registry, name, submitter), POLICIES[settings.dispatch]()) for run in Run if run in runs}


def _executor(run: Run, settings: Settings, registry: Registry, name: str, submitter: LinkSubmitter) -> Executor:
    match run:
        case Run.LOOP:
            return LoopExecutor(settings.loop_slots, name, submitter)
        case Run.THREAD:
            return ThreadExecutor(settings.thread_slots, name, submitter)
        case Run.PROCESS:
            return ProcessExecutor(settings.process_slots, name, submitter, settings, registry.modules(run))
        case _:
            assert_never(run)


def _about(settings: Settings, name: str, queues: dict[str, Run], places: dict[Run, Place]) -> dict[str, Any]:
    return {
        "name": name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": version("fairway"),
        "since": now_ms(),
        "policy": settings.dispatch,
        "queues": sorted(queues),
        "slots": {run.value: place.slots for run, place in places.items()},
    }


def _signals(loop: asyncio.AbstractEventLoop) -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first SIGTERM or SIGINT (warm stop) and by the second (cold stop)."""
    warm, cold = asyncio.Event(), asyncio.Event()

    def told() -> None:
        (cold if warm.is_set() else warm).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return warm, cold


@contextlib.asynccontextmanager
async def _ready(registry: Registry, executors: Sequence[Executor]) -> AsyncGenerator[None]:
    """Start hooks and executors before the first job; stop hooks after the last one."""
    for hook in registry.hooks.start:
        await _call(hook)
    for executor in executors:
        await executor.start()
    try:
        yield
    finally:
        for executor in executors:
            await executor.close()
        for hook in registry.hooks.stop:
            await _stop(hook)


async def _call(hook: Hook) -> None:
    result = hook()
    if inspect.isawaitable(result):
        await result


async def _stop(hook: Hook) -> None:
    try:
        await _call(hook)
    except Exception:  # the next hook has its own things to close
        log.exception("hook.failed", hook=getattr(hook, "__qualname__", repr(hook)))
