"""The documentation says of settings, commands and problems what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairway.cli import COMMANDS
from fairway.commands.config import shown
from shared.settings import Settings
from tests.support.command_line import bare_environment, fairway

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_each_setting_stands_in_its_page_with_default_and_meaning() -> None:
    with bare_environment():
        settings = list(shown(Settings.load()))
    rows = re.findall(r"^\| `(FAIRWAY_\w+)` \| `?(.*?)`? \| (.*) \|$", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert rows == [(setting.name, (setting.value or "").replace(",", ", "), setting.meaning) for setting in settings]


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    known = {f"FAIRWAY_{field.upper()}" for field in Settings.model_fields} | {"FAIRWAY_HOME", "FAIRWAY_BROKER", "FAIRWAY_"}
    named = {name for page in [*PAGES, *(ROOT / "examples").rglob("*.py")] for name in re.findall(r"FAIRWAY_[A-Z_]*", page.read_text())}
    assert named <= known


def test_no_page_names_a_command_that_does_not_exist() -> None:
    pages = "\n".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"(?:`|/|\$ )fairway ([a-z]+)", pages))
    assert named - {"client"} <= set(COMMANDS)  # `fairway client host:pid` is the name of a connection
    assert {"up", "send", "worker", "new"} <= named


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "topology"])
def test_each_command_says_how_it_is_called(command: str) -> None:
    result = fairway(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: cli {command} ")
