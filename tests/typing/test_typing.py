"""mypy and pyright on the examples: what must check does, and what must not is found, by both.

A line that must not check ends in `# E: why`, or in `# E(mypy): why` where one of the two can't know.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = sorted((HERE / "examples").glob("*.py"))
MARK = re.compile(r"# E(?:\((?P<only>\w+)\))?: ")

Place = tuple[str, int]  # file and line


def expected(checker: str) -> set[Place]:
    """Where this checker must find an error."""
    lines = ((path.name, number, line) for path in EXAMPLES for number, line in enumerate(path.read_text().splitlines(), 1))
    return {(name, number) for name, number, line in lines if (mark := MARK.search(line)) and mark["only"] in {None, checker}}


def mypy() -> set[Place]:
    printed = run("mypy", "--output", "json", *map(str, EXAMPLES))
    found = (json.loads(line) for line in printed.splitlines())
    return {(Path(one["file"]).name, one["line"]) for one in found if one["severity"] == "error"}


def pyright() -> set[Place]:
    printed = run("pyright", "--project", str(HERE / "pyrightconfig.json"), "--pythonpath", sys.executable, "--outputjson")
    found = json.loads(printed)["generalDiagnostics"]
    return {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found if one["severity"] == "error"}


def run(*words: str) -> str:
    """What a checker prints; it ends with 1 because it finds errors."""
    ended = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=55, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("check", [mypy, pyright])
def test_each_example_checks_as_it_says(check: Callable[[], set[Place]]) -> None:
    wanted = expected(check.__name__)
    assert len(wanted) > 20
    assert check() == wanted
