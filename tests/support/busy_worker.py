"""A process with busy child processes, to be killed by a test: `python -m tests.support.busy_worker FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from shared.envelope import Envelope
from shared.job import Job
from shared.settings import Settings
from tests.support.handlers import Do, Echo, Wait, handler
from worker.children import ProcessExecutor
from worker.handler import Run


async def nothing(*_: object) -> str:
    raise NotImplementedError


async def main(folder: Path) -> None:
    """Three children: one in Python code, one in C code that keeps the GIL, and one at rest."""
    executor = ProcessExecutor(3, "worker-1", nothing, Settings.load(log="json"))

    async def run(behaviour: str, job: Job[Any]) -> None:
        await executor.run(handler(behaviour, Run.PROCESS), Envelope("1", "t", "q", job.model_dump_json().encode(), 0), 60)

    busy = [run("wait", Wait(started=folder / "python")), run("do", Do(act="keep the gil", path=folder / "c"))]
    await asyncio.gather(*busy, run("echo", Echo(text="at rest")))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
