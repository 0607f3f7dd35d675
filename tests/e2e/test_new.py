"""`fairway new`: what it writes is a project that works as it stands."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.deployment import deployed


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=50, check=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    written = run(tmp_path, "fairway", "new", "shop")
    assert written.returncode == 0, written.stderr
    return tmp_path / "shop"


def test_its_test_passes_without_a_broker(shop: Path) -> None:
    tested = run(shop, "pytest", "-q")
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


def test_its_code_is_typed_and_clean(shop: Path) -> None:
    for words in (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "--line-length", "140", "."),
        ("mypy", "--strict", "shop", "tests"),
    ):
        checked = run(shop, *words)
        assert checked.returncode == 0, checked.stdout


def test_its_handlers_work_in_a_real_worker(shop: Path, broker: Broker) -> None:
    given = (line for line in (shop / ".env").read_text().splitlines() if line.startswith("FAIRWAY_"))
    settings = dict(shlex.split(line)[0].split("=", 1) for line in given)
    with broker.fresh_vhost() as fresh, deployed(shop / ".fairway", workers=1, broker=fresh, PYTHONPATH=str(shop), **settings) as up:
        command = [sys.executable, "-m", "fairway", "send", "shop.greet", "name=Ada", "--wait=20"]
        sent = subprocess.run(command, cwd=shop, env=up.environ, capture_output=True, text=True, timeout=40, check=False)
        assert sent.returncode == 0, sent.stderr
        assert json.loads(sent.stdout) == {"text": "Hello, Ada!", "letters": 3}
        assert "on worker-1" in sent.stderr


def test_its_modules_are_found_where_one_stands(shop: Path) -> None:
    """By the installed command, which doesn't look into the current folder by itself."""
    command = [str(Path(sys.executable).with_name("fairway")), "worker"]
    settings = {"FAIRWAY_HANDLERS": "shop.handlers", "FAIRWAY_QUEUES": "elsewhere"}
    ended = subprocess.run(command, cwd=shop, env={**os.environ, **settings}, capture_output=True, text=True, timeout=40, check=False)
    assert ended.returncode == 78
    assert "FAIRWAY_QUEUES names 'elsewhere', but no handler of FAIRWAY_HANDLERS serves it" in ended.stderr
