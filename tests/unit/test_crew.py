"""The processes of `fairway up`: kept running, and stopped in order, warm and cold. Real processes, tiny ones."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from fairway.launch.child import Child, Program
from fairway.launch.crew import Crew
from fairway.launch.place import AlreadyUp, Place, down
from fairway.launch.signals import Stop
from fairway.node.pidfile import PidFile
from shared.errors import NotConfigured

READY = "import os, signal, sys\nsignal.pthread_sigmask(signal.SIG_BLOCK, [15])\nopen(os.environ['FIFO'], 'w').write(sys.argv[1] + '\\n')\n"
POLITE = READY + "signal.sigwait([15])"
STUBBORN = READY + "signal.sigwait([15])\n" + READY + "signal.sigwait([15])"
DEAF = READY + "signal.pause()"
MISCONFIGURED = "import sys; sys.exit(78)"


class Fifo:
    """Where each process writes its name once it is ready for signals."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_RDWR))

    async def lines(self, count: int) -> list[str]:
        """The next `count` names, sorted."""
        return sorted([(await asyncio.to_thread(self._file.readline)).strip() for _ in range(count)])


@pytest.fixture
def fifo(tmp_path: Path) -> Fifo:
    return Fifo(tmp_path / "fifo")


@pytest.fixture
def said() -> list[str]:
    return []


def program(name: str, code: str, fifo: Fifo) -> Program:
    return Program(name, (sys.executable, "-S", "-c", code, name), {"FIFO": str(fifo.path)})


async def test_a_process_that_dies_is_started_again_and_it_is_said(tmp_path: Path, fifo: Fifo, said: list[str]) -> None:
    child = Child(program("worker-1", POLITE, fifo), tmp_path, said.append, backoff=lambda _: 0.0)
    task = asyncio.create_task(child.keep())
    await fifo.lines(1)
    first = PidFile(tmp_path / "worker-1.pid").pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await fifo.lines(1) == ["worker-1"]
    assert said == ["worker-1 was ended by SIGKILL; starting it again in 0.0 s"]
    child.stop()
    await task
    assert not (tmp_path / "worker-1.pid").exists()


async def test_a_stop_does_not_wait_for_the_next_start(tmp_path: Path, fifo: Fifo) -> None:
    paused = asyncio.Event()
    child = Child(program("worker-1", "raise SystemExit(3)", fifo), tmp_path, lambda _: paused.set(), backoff=lambda _: 3600.0)
    task = asyncio.create_task(child.keep())
    await paused.wait()
    child.stop()
    await task


async def test_a_wrong_configuration_is_not_tried_again(tmp_path: Path, fifo: Fifo, said: list[str]) -> None:
    crew = Crew([[program("worker-1", POLITE, fifo)], [program("web", MISCONFIGURED, fifo)]], tmp_path, said.append)
    crew.start()
    with pytest.raises(NotConfigured, match="web ended for a wrong configuration"):
        await crew.failure()
    await crew.stop(Stop(), grace=30.0)
    assert said == ["worker-1 stopped", "web stopped"]


async def test_workers_stop_before_the_web_tier(tmp_path: Path, fifo: Fifo, said: list[str]) -> None:
    crew = Crew([[program(name, POLITE, fifo) for name in ("worker-1", "worker-2")], [program("web", POLITE, fifo)]], tmp_path, said.append)
    crew.start()
    assert await fifo.lines(3) == ["web", "worker-1", "worker-2"]
    await crew.stop(Stop(), grace=30.0)
    assert sorted(said[:2]) == ["worker-1 stopped", "worker-2 stopped"]
    assert said[2:] == ["web stopped"]


async def test_a_second_signal_makes_the_stop_cold(tmp_path: Path, fifo: Fifo, said: list[str]) -> None:
    crew, stop = Crew([[program("worker-1", STUBBORN, fifo)]], tmp_path, said.append), Stop()
    crew.start()
    await fifo.lines(1)
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        await stop.warm.wait()
        assert not stop.cold.is_set()
        stopping = asyncio.create_task(crew.stop(stop, grace=3600.0))
        await fifo.lines(1)  # it has heard the first
        os.kill(os.getpid(), signal.SIGTERM)
        await stopping
    assert said == ["stopping at once: what still runs is handed back to the queue", "worker-1 stopped"]


async def test_who_hears_nothing_is_killed(tmp_path: Path, fifo: Fifo, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairway.launch.crew.COLD_LIMIT", 0.1)
    crew = Crew([[program("worker-1", DEAF, fifo)]], tmp_path, said.append)
    crew.start()
    await fifo.lines(1)
    await crew.stop(Stop(), grace=0.1)
    assert said[-1] == "worker-1 stopped"


def test_a_folder_has_one_launcher(tmp_path: Path) -> None:
    with Place(tmp_path).held(), pytest.raises(AlreadyUp, match=f"pid {os.getpid()}"), Place(tmp_path).held():
        pass
    with Place(tmp_path).held():
        assert (tmp_path / "run/up.pid").exists()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


async def test_down_ends_what_a_killed_launcher_left_behind(tmp_path: Path, run: Path, fifo: Fifo, said: list[str]) -> None:
    for name in ("worker-1", "web"):
        found = program(name, POLITE, fifo)
        process = await asyncio.create_subprocess_exec(*found.command, env=found.env, start_new_session=True)
        PidFile(run / f"{name}.pid").write(process.pid)
    await fifo.lines(2)
    await asyncio.to_thread(down, tmp_path, purge=True, say=said.append)
    assert [line.split(" (pid")[0] for line in said] == ["stopping worker-1", "stopping web", "everything is stopped, its data is removed"]
    assert os.listdir(tmp_path) == [fifo.path.name]  # noqa: PTH208


def test_purge_touches_no_file_of_others(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "records.sqlite3").touch()
    (tmp_path / "records.sqlite3-wal").touch()
    down(tmp_path, purge=True, say=said.append)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
