"""A RabbitMQ for a machine that has none: the distribution's packages, laid out in a cache of the user's own.

Preferred over `apt-get install`, which needs root and whose package starts a broker at once, as a service and with
the user guest. Nothing outside of the cache is written; to remove that folder is to remove all of it.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from fairway.node.apt import download, unpack
from fairway.node.installation import LIBRARY_SCRIPT, Installation
from shared.errors import BrokerDown

# Debian's own `erl` has /usr/lib/erlang written in; erlexec(1) is told by environment.
ERL = """\
#!/bin/sh
root=$(cd "$(dirname "$0")/.." && pwd)
export ROOTDIR="$root/usr/lib/erlang"
BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
export BINDIR EMU=beam PROGNAME=erl
exec "$BINDIR/erlexec" "$@"
"""


def fetch(say: Callable[[str], None]) -> Installation:
    """The RabbitMQ in the cache, fetched first where it isn't there yet.

    Raises `BrokerDown` where the archive of the distribution can't be reached.
    """
    root = cache(os.environ) / _distribution()
    if not root.exists():
        say(f"fetching RabbitMQ and Erlang from the distribution's archive into {root} (once, about 35 MB; the system is not touched)")
        _fetch_into(root)
    return fetched(root)


def cache(environ: Mapping[str, str]) -> Path:
    """The folder for what was fetched, by the XDG Base Directory Specification."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "fairway" / "rabbitmq"


def fetched(root: Path) -> Installation:
    """How to start what lies under `root`."""
    programs = sorted((root / "usr/lib/erlang").glob("erts-*/bin"))
    libraries = [folder for part in ("usr/lib", "lib") for folder in sorted((root / part).glob("*-linux-*"))]
    return Installation(root / LIBRARY_SCRIPT, path=(root / "bin", *programs), libraries=tuple(libraries))


def _fetch_into(root: Path) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="part-") as name:
        part = Path(name)
        for package in download(part / "apt"):
            unpack(package, part / "root")
        if not (part / "root" / LIBRARY_SCRIPT).exists():
            raise BrokerDown("the distribution's package rabbitmq-server holds no server script where one is known to lie")
        _write_erl(part / "root/bin/erl")
        try:
            (part / "root").rename(root)
        except OSError:
            if not root.exists():  # else somebody else fetched the same in the meantime
                raise


def _write_erl(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(ERL)
    path.chmod(0o755)


def _distribution() -> str:
    release = platform.freedesktop_os_release()
    return f"{release['ID']}-{release.get('VERSION_ID', 'rolling')}-{platform.machine()}"
