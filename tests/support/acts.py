"""What a handler in a child process may come to: crashes, signals, processes of its own. `do` does one of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from shared.job import Job
from worker.handler import Run, handles


class Do(Job[Any], name="test.do"):
    """One of the acts below, in a child process."""

    act: str
    path: Path | None = None


@handles(Do, run=Run.PROCESS)
def do(job: Do) -> Any:
    return ACTS[job.act](job.path)


def _keep_the_gil(path: Path | None) -> None:
    assert path is not None
    path.write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(60)  # C code that doesn't let go of the interpreter


def _sockets(_: Path | None) -> list[str]:
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return [link for link in links if link.startswith("socket:")]


def _grandchildren_then_exit(path: Path | None) -> None:
    """One by fork and one by exec without closing anything; both outlive this process if they may."""
    assert path is not None
    forked = os.fork()
    if forked == 0:
        time.sleep(60)
        os._exit(0)
    started = os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ)
    path.write_text(f"{forked} {started}")
    os._exit(0)


def _terminate_own_process(_: Path | None) -> int:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        process.terminate()
        return process.wait(10)


def _signalled(_: Path | None) -> str:
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    return "still here"


ACTS: dict[str, Any] = {
    "exit": lambda _: os._exit(3),
    "sys.exit": lambda _: sys.exit(4),
    "segfault": lambda _: ctypes.string_at(0),
    "be killed": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "pid": lambda _: os.getpid(),
    "group": lambda _: os.getpgid(0),
    "too much": lambda _: "x" * 5000,
    "oom_score": lambda _: int(Path("/proc/self/oom_score_adj").read_text()),
    "keep the gil": _keep_the_gil,
    "sockets": _sockets,
    "grandchildren": _grandchildren_then_exit,
    "terminate": _terminate_own_process,
    "signalled": _signalled,
}
