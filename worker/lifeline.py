"""A child ends with its parent, whatever happened to it and whatever the child is doing.

A closed pipe tells a child at rest. One that is busy in a handler is told by the kernel (Linux:
`prctl(2)`, PR_SET_PDEATHSIG), which works while C code keeps the GIL too; elsewhere by a thread that
looks for its parent, which does not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
EVERY = 0.5  # seconds


def end_with(parent: int) -> None:
    """From now on this process ends when its parent, the process `parent`, does."""
    if not _kernel_kills():
        threading.Thread(target=watch, args=(parent,), name="lifeline", daemon=True).start()
    if os.getppid() != parent:  # it went before the kernel was asked
        _end()


def watch(parent: int) -> None:
    """Returns never: ends this process once `parent` is not its parent any more."""
    while os.getppid() == parent:
        time.sleep(EVERY)
    _end()


def _kernel_kills() -> bool:
    # The signal comes when the *thread* that made this process ends: the parent's loop, as long as there are jobs.
    return sys.platform == "linux" and bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
