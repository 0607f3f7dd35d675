"""`fairway new`: which names it takes, and that it writes over nothing. What it writes is tried in tests/e2e/test_new.py."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support.command_line import bare_environment, fairway

FILES = {
    ".dockerignore",
    ".env",
    ".env.example",
    ".gitignore",
    "Dockerfile",
    "README.md",
    "compose.yaml",
    "pyproject.toml",
    "shop/__init__.py",
    "shop/handlers.py",
    "shop/jobs.py",
    "tests/test_handlers.py",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(name: str) -> tuple[int, str]:
    with bare_environment():
        result = fairway("new", name)
    return result.exit_code, result.output


def test_all_of_it_is_there_under_its_own_name(folder: Path) -> None:
    assert new("shop")[0] == 0
    shop = folder / "shop"
    assert {str(path.relative_to(shop)) for path in shop.rglob("*") if path.is_file()} == FILES
    for path in FILES:
        assert "myapp" not in (shop / path).read_text()


def test_each_password_is_its_own_and_for_nobody_else(folder: Path) -> None:
    new("shop")
    new("other")
    assert stat.S_IMODE((folder / "shop" / ".env").stat().st_mode) == 0o600
    passwords = [(folder / name / ".env").read_text().rpartition("RABBITMQ_PASS=")[2].strip() for name in ("shop", "other")]
    assert all(len(password) == 32 for password in passwords)
    assert passwords[0] != passwords[1]
    assert (folder / "shop" / ".env.example").read_text().endswith("RABBITMQ_PASS=\n")


def test_nothing_is_written_over(folder: Path) -> None:
    (folder / "shop").mkdir()
    code, output = new("shop")
    assert (code, output) == (2, f"fairway: {folder}/shop is there already; nothing was written\n")
    assert list((folder / "shop").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["Shop", "my-shop", "1shop", "../shop", "class", "json", "worker", "fairway", "pydantic", "tests", "a" * 41]
)
def test_a_name_that_cannot_be_a_module_of_its_own_is_refused(folder: Path, name: str) -> None:
    code, output = new(name)
    assert code == 2
    assert f"'{name}'" in output
    assert list(folder.iterdir()) == []
