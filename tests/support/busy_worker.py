"""A process with busy child processes, to be killed by a test: `python -m tests.support.busy_worker FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from shared.envelope import Envelope
from shared.job import Job
from shared.settings import Settings
from tests.support.acts import Do, do
from tests.support.handlers import Wait, handler
from worker.children import ProcessExecutor
from worker.handler import MARK, Handler, Run


async def nothing(*_: object) -> str:
    raise NotImplementedError


async def main(folder: Path) -> None:
    """Three children: one in Python code, one in C code that keeps the GIL, and one at rest."""
    executor = ProcessExecutor(3, "worker-1", nothing, Settings.load(log="json"))

    async def run(handler: Handler, job: Job[Any]) -> None:
        await executor.run(handler, Envelope("1", "t", "q", job.model_dump_json().encode(), 0), 60)

    waits, does = handler("wait", Run.PROCESS), getattr(do, MARK)
    busy = [run(waits, Wait(started=folder / "python")), run(does, Do(act="keep the gil", path=folder / "c"))]
    await asyncio.gather(*busy, run(does, Do(act="pid")))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
