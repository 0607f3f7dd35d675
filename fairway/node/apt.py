"""RabbitMQ's packages from the distribution's own archive, without root and without touching the system.

apt works here on lists, a cache and a copy of dpkg's status of its own; it checks signatures and hashes as always. In
that copy RabbitMQ and Erlang are not installed, so exactly what this machine lacks is fetched: them, and the
shared libraries that a slim image has left out. See apt-get(8), `--download-only`, and apt.conf(5), `Dir`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from shared.errors import BrokerDown

STATUS = Path("/var/lib/dpkg/status")
OURS = re.compile(r"^Package: (rabbitmq-server|erlang-.*)$", re.MULTILINE)


def has_apt() -> bool:
    """Whether this is a Debian or one of its children, with what fetching takes."""
    return STATUS.exists() and all(map(shutil.which, ("apt-get", "dpkg")))


def download(folder: Path) -> list[Path]:
    """Fetch the packages into `folder`. Raises `BrokerDown` with apt's own words where that fails."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text(without_ours(STATUS.read_text()))
    _apt(folder, "update")
    _apt(folder, "install", "--yes", "--fix-broken", "--download-only", "--no-install-recommends", "rabbitmq-server")
    return sorted((folder / "cache/archives").glob("*.deb"))


def without_ours(status: str) -> str:
    """The status file of dpkg (paragraphs with an empty line between) without RabbitMQ and Erlang."""
    return "\n\n".join(paragraph for paragraph in status.split("\n\n") if not OURS.search(paragraph))


def unpack(package: Path, root: Path) -> None:
    """Lay the files of a package out under `root`; none of its scripts is run, so nothing is started."""
    _run(["dpkg", "-x", str(package), str(root)], dict(os.environ))


def _apt(folder: Path, *arguments: str) -> None:
    options = {
        "Dir::State": folder / "state",
        "Dir::State::Status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",  # the user _apt may not write here
        "Acquire::Languages": "none",
    }
    settings = [f"-o{name}={value}" for name, value in options.items()]
    _run(["apt-get", "-qq", *settings, *arguments], dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def _run(command: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BrokerDown(f"`{command[0]} {command[-1]}` failed: {done.stderr.strip() or done.stdout.strip()}")
