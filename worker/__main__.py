"""python -m worker: one worker, set up by the environment (`fairway config` lists the settings)."""

from __future__ import annotations

import asyncio
import sys
from typing import NoReturn

from shared.errors import NotConfigured
from shared.link.loop import new_event_loop
from shared.log import configure
from shared.settings import Settings
from worker.compose import work
from worker.executor import ChildDied

NOT_CONFIGURED, BROKEN = 78, 70  # EX_CONFIG and EX_SOFTWARE of sysexits.h


def main() -> None:
    """Run a worker until it is told to stop.

    Exit codes: 0 warm stop, 1 cold stop, 70 a child process can't start, 78 a setting is wrong.
    """
    try:
        settings = Settings.load()
        configure(settings.log, settings.log_level, worker=settings.own_name)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            sys.exit(runner.run(work(settings)))
    except NotConfigured as error:
        _leave(NOT_CONFIGURED, error)
    except ChildDied as error:
        _leave(BROKEN, error)


def _leave(code: int, error: Exception) -> NoReturn:
    sys.stderr.write(f"fairway worker: {error}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
