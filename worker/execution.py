"""One attempt at one job, from envelope to outcome. Touches no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from shared.envelope import Envelope
from worker.executor import Executor
from worker.handler import Run
from worker.outcome import GivenBack, Outcome, judge, judge_reply, unknown_type
from worker.registry import Registry


class Execution:
    """`timeout` in seconds is for handlers that name none, `reply_limit` in bytes."""

    def __init__(self, registry: Registry, executors: Mapping[Run, Executor], timeout: float, reply_limit: int) -> None:
        self._reply_limit = reply_limit
        self._ways = {
            handler.name: (executors[handler.run], handler, handler.timeout or timeout) for handler in registry if handler.run in executors
        }

    async def attempt(self, envelope: Envelope) -> Outcome:
        """Run the handler once; never raises but for a defect of ours."""
        way = self._ways.get(envelope.type)
        if way is None:
            return unknown_type(envelope.type)
        executor, handler, timeout = way
        try:
            reply = await executor.run(handler, envelope, timeout)
        except asyncio.CancelledError:
            return GivenBack()  # the worker is leaving: nothing else cancels an attempt (see `Executor.run`)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the job's end, not the worker's
            return judge(error)
        return judge_reply(reply, self._reply_limit)
