"""Processes that outlive the one which started them: known by pid *and* by the moment they were born.

A pid alone may by now belong to somebody else's process; nothing is ever ended whose moment of birth differs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PAUSE = 0.05
KILL_LIMIT = 5.0


def born(pid: int) -> str | None:
    """A mark of the moment at which the process `pid` was started; None where it has ended.

    Linux: boot id and start time in clock ticks (proc(5), field 22); elsewhere what `ps` says, to the second.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _born_by_ps(pid)
    except ProcessLookupError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}/{rest[18]}"


def _born_by_ps(pid: int) -> str | None:
    found = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = found.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


class PidFile:
    """A file that names one running process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int) -> None:
        self.path.write_text(f"{pid} {born(pid)}\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def pid(self) -> int | None:
        """The pid, as long as the very process that was written down is running."""
        try:
            pid, mark = self.path.read_text().split()
            return int(pid) if born(int(pid)) == mark else None
        except (FileNotFoundError, ValueError):
            return None

    def terminate(self) -> None:
        """SIGTERM to the process, if it still runs."""
        if (pid := self.pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the process, and to the group that it leads; wait for its end; the file goes too."""
        if (pid := self.pid()) is not None:
            with suppress(ProcessLookupError):
                leads = os.getpgid(pid) == pid
                (os.killpg if leads else os.kill)(pid, signal.SIGKILL)
            self.wait(KILL_LIMIT)
        self.remove()

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended, at most `seconds`. True where it has."""
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        return True

    def end(self, patience: float) -> None:
        """SIGTERM, up to `patience` seconds, then SIGKILL; the file goes too."""
        self.terminate()
        if not self.wait(patience):
            self.kill()
        self.remove()
