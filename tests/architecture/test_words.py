"""Nothing that is in the repository names a folder of somebody's machine, or the host that packages came from."""

from __future__ import annotations

import re
import subprocess

from tests.architecture.sources import ROOT

# Written in pieces, so that this file doesn't find itself.
HOME = r"(?<![\w.$}~-])/(?:" + "|".join(("ro" + "ot", "wo" + "rk", "ho" + r"me/\w+", "Us" + r"ers/\w+")) + r")/"
OPTIONS = "(?:" + "|".join(("index" + "-url", "find" + "-links", "trusted" + "-host")) + r")[= ]+\S"
HOSTS = "|".join(("pypi" + r"\.(?:org|python)", "python" + "hosted", "registry" + r"\.npm"))
FORBIDDEN = re.compile(f"{HOME}|{OPTIONS}|{HOSTS}")


def tracked() -> list[str]:
    """Every file that git knows, or would take."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def hits(name: str) -> list[str]:
    path = ROOT / name
    try:
        lines = path.read_text().splitlines() if path.is_file() else []
    except UnicodeDecodeError:
        return []  # a picture
    return [f"{name}:{number}: {found[0]}" for number, line in enumerate(lines, 1) if (found := FORBIDDEN.search(line))]


def test_no_file_names_a_machine_or_a_package_host() -> None:
    assert [hit for name in tracked() for hit in hits(name)] == []


def test_such_words_are_found() -> None:
    for text in ("see /" + "work/main/x", "HOME=/" + "root/x", "--extra-index" + "-url http://x", "https://pypi" + ".org/simple"):
        assert FORBIDDEN.search(text)
    for text in ("${FAIRWAY_HOME}/work/x", "/worker/", "./root/x", "framework/x", "pip compile --no-emit-index-url"):
        assert not FORBIDDEN.search(text)
