"""Where the kernel doesn't end a child with its parent, a thread of the child does."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

from tests.support.processes import running

PARENT = """
    import subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
    child.wait()
"""
CHILD = """
    import os, threading, time
    from worker.lifeline import watch
    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    print("watching", flush=True)
    while True:  # busy in Python code
        time.sleep(0.001)
"""


def test_a_busy_child_without_its_parent_ends() -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), textwrap.dedent(CHILD)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert running(child)
        parent.kill()
    until = time.monotonic() + 2.0
    while running(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not running(child)
