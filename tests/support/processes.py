"""What the system says of processes (Linux)."""

from __future__ import annotations

from pathlib import Path


def running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid: int) -> set[int]:
    """The child processes, zombies included."""
    return {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}


def open_files() -> int:
    """How many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def oom_score(pid: int) -> int:
    """How readily the process goes when memory runs out."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())
