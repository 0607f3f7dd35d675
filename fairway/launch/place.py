"""The folder of one `fairway up` (FAIRWAY_HOME): who holds it, and what a killed one left running in it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from fairway.environment import FILE, forget
from fairway.launch.broker import Say, existing
from fairway.node.pidfile import PidFile
from shared.errors import FairwayError

LIMIT = 60.0  # how long a process may take to end before it is killed
RECORDS = "records.sqlite3"


class AlreadyUp(FairwayError):
    """Another `fairway up` runs in the same folder."""


class Place:
    """A folder and the processes whose pid files lie in it; whatever runs there was started by `fairway up`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run = home / "run"
        self.launcher = PidFile(self.run / "up.pid")

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the folder for this process. Raises `AlreadyUp` where another one does."""
        if (pid := self.launcher.pid()) is not None:
            raise AlreadyUp(f"`fairway up` runs here already (pid {pid}); `fairway down` stops it")
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)  # payloads lie in the records, and in the node's data
        self.run.mkdir(exist_ok=True)
        self.launcher.write(os.getpid())
        try:
            yield
        finally:
            self.launcher.remove()

    def end_children(self, say: Say) -> None:
        """Stop the workers, then the web tier, that outlived their `fairway up`."""
        files = [PidFile(path) for path in sorted(self.run.glob("*.pid")) if path != self.launcher.path]
        workers = [file for file in files if file.path.stem != "web"]
        for group in (workers, [file for file in files if file not in workers]):
            for file in group:
                if (pid := file.pid()) is not None:
                    say(f"stopping {file.path.stem} (pid {pid}), left behind")
                    file.terminate()
            for file in group:
                file.end(LIMIT)

    def end_launcher(self, say: Say) -> None:
        """Have the `fairway up` that holds the folder stop all it started, and wait for it."""
        if (pid := self.launcher.pid()) is not None:
            say(f"stopping `fairway up` (pid {pid}) and all it started")
            self.launcher.end(2 * LIMIT)

    def end_brokers(self) -> None:
        """Stop the brokers that were started here."""
        for server in existing(self.home):
            server.stop()

    def purge(self) -> None:
        """Remove what `fairway up` keeps: the brokers' data and the records; other files of the folder stay."""
        for server in existing(self.home):
            server.purge()
        for path in (*self.home.glob(f"{RECORDS}*"), *self.run.glob("*.pid"), self.home / FILE):
            path.unlink(missing_ok=True)
        for folder in (self.run, self.home):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def down(home: Path, *, purge: bool, say: Say) -> None:
    """Stop what runs in the folder `home`, in the order workers, web tier, broker; with `purge` remove its data too."""
    place = Place(home)
    place.end_launcher(say)
    place.end_children(say)
    place.end_brokers()
    forget(home)
    if purge:
        place.purge()
    say("everything is stopped" + (", its data is removed" if purge else ""))
