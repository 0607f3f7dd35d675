"""Where a `rabbitmq-server` lies on this machine that an ordinary user may start.

Debian's `/usr/sbin/rabbitmq-server` is a wrapper that insists on the user `rabbitmq`; the script behind it does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import NotConfigured

LIBRARY_SCRIPT = Path("usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian, Ubuntu, Fedora
PREFIXES = (Path("/opt/homebrew/opt/rabbitmq"), Path("/usr/local/opt/rabbitmq"), Path("/opt/rabbitmq"))


@dataclass(frozen=True, slots=True)
class Installation:
    """A server script, and the folders that its environment needs ahead of the machine's own."""

    server: Path
    path: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()


def installed() -> Installation:
    """The RabbitMQ that this machine has. Raises `NotConfigured` where it has none."""
    found = find_installed()
    if found is None:
        raise NotConfigured("no rabbitmq-server with Erlang is installed here")
    return found


def find_installed() -> Installation | None:
    """The RabbitMQ that this machine has, Erlang included, or None."""
    if shutil.which("erl") is None:
        return None
    return next((Installation(script) for script in _candidates() if script.is_file()), None)


def _candidates() -> Iterator[Path]:
    yield Path("/") / LIBRARY_SCRIPT
    yield from (prefix / "sbin/rabbitmq-server" for prefix in PREFIXES)
    on_path = shutil.which("rabbitmq-server")
    if on_path is not None and not on_path.startswith("/usr/sbin"):
        yield Path(on_path)
