"""Handlers in the worker's own process: coroutines on its loop, plain functions in threads."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from shared.envelope import Envelope
from shared.job import Job
from shared.log import Logger, current_attempt
from worker.context import Context, Submitter
from worker.executor import HandlerFailed, TimedOut
from worker.handler import Handler
from worker.sweep import Sweep
from worker.threads import Threads

log = Logger()


class LoopExecutor:
    """Coroutines, on the loop that `run` is awaited on. The hot path: a job costs no task and no timer here.

    `run` must be awaited in a task of the job's own: that is what it cancels when the time is up, and
    the job stays bound to the task's later log lines.
    """

    def __init__(self, slots: int, worker: str, submit: Submitter) -> None:
        self.slots = slots
        self._worker, self._submit = worker, submit
        self._sweep = Sweep()

    async def start(self) -> None:
        """Nothing to make ready."""

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:
        task: asyncio.Task[Any] | None = asyncio.current_task()
        if task is None:
            raise RuntimeError("a handler on the loop runs in a task")
        context = Context(envelope, self._worker, submit=self._submit)
        current_attempt.set(context)
        cancels = task.cancelling()
        self._sweep.add(task, context, timeout)
        try:
            reply = await handler.ainvoke(envelope.args)
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            meaning = _meaning(error, context, task, cancels, timeout)
            if meaning is error:
                raise
            raise meaning from error
        finally:
            self._sweep.remove(task)
        if context.cancelled:  # the handler swallowed the cancellation
            task.uncancel()
            raise _timed_out(timeout)
        return reply

    async def close(self) -> None:
        self._sweep.close()


class ThreadExecutor:
    """Plain functions, in threads. A thread can't be stopped: over its time limit a job keeps its slot
    until it ends by itself, so that the slots stay honest, and the log says so once.
    """

    def __init__(self, slots: int, worker: str, submit: Submitter) -> None:
        self.slots = slots
        self._worker, self._submit = worker, submit
        self._threads = Threads()

    async def start(self) -> None:
        """Nothing to make ready: threads are started on demand."""

    async def run(self, handler: Handler, envelope: Envelope, timeout: float) -> bytes:
        loop = asyncio.get_running_loop()
        context = Context(envelope, self._worker, submit_blocking=partial(_submit_and_wait, loop, self._submit))
        current_attempt.set(context)
        work = self._threads.call(partial(handler.invoke, envelope.args))
        timer = loop.call_later(timeout, _overdue, context)
        try:
            reply, error = await work
        except asyncio.CancelledError:
            context.stop()
            raise
        finally:
            timer.cancel()
        if context.cancelled:
            raise _timed_out(timeout) from error
        if error is not None:
            raise _told(error)
        return reply

    async def close(self) -> None:
        self._threads.close()


def _meaning(error: BaseException, context: Context, task: asyncio.Task[Any], cancels: int, timeout: float) -> BaseException:
    """What the worker is to hear of an error that left a coroutine: whoever cancelled it speaks first."""
    if context.cancelled:
        task.uncancel()
    if task.cancelling() > cancels:  # from outside, whatever the handler made of it
        return error if isinstance(error, asyncio.CancelledError) else asyncio.CancelledError()
    return _timed_out(timeout) if context.cancelled else _told(error)


def _told(error: BaseException) -> BaseException:
    """An error as it is, or as words where it would mean something else to the worker's loop:
    a `CancelledError` that nobody asked for, `SystemExit`, `StopIteration`.
    """
    return error if isinstance(error, Exception) and not isinstance(error, StopIteration) else HandlerFailed.of(error)


def _timed_out(timeout: float) -> TimedOut:
    return TimedOut(f"over its time limit of {timeout:g} s")


def _overdue(context: Context) -> None:
    context.stop()
    log.warning("job.stuck")


def _submit_and_wait(loop: asyncio.AbstractEventLoop, submit: Submitter, job: Job[Any], queue: str | None, tags: tuple[str, ...]) -> str:
    async def submitted() -> str:
        return await submit(job, queue, tags)

    return asyncio.run_coroutine_threadsafe(submitted(), loop).result()
