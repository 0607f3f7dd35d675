"""The one-shot service of compose that settles who logs in to RabbitMQ, run as it is run there."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROGRAM = Path(__file__).parents[2] / "deploy/rabbitmq/credentials.py"


def settle(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, PROGRAM, folder]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)


def login(folder: Path) -> tuple[str, str]:
    url = urlsplit((folder / "amqp-url").read_text())
    assert (url.scheme, url.hostname, url.port) == ("amqp", "rabbitmq", 5672)
    return unquote(url.username or ""), unquote(url.password or "")


def lets_in(folder: Path, user: str, password: str) -> bool:
    """Whether RabbitMQ, having imported the definitions, would take this password."""
    document = json.loads((folder / "definitions.json").read_text())
    stored = {entry["name"]: base64.b64decode(entry["password_hash"]) for entry in document["users"]}
    salt = stored[user][:4]
    return stored[user] == salt + hashlib.sha256(salt + password.encode()).digest()


def test_a_password_is_made_up_once_and_kept(tmp_path: Path) -> None:
    first = settle(tmp_path)
    user, password = login(tmp_path)
    assert (first.returncode, user) == (0, "fairway")
    assert len(password) == 32
    assert password not in first.stdout + first.stderr
    assert lets_in(tmp_path, user, password)
    assert settle(tmp_path).returncode == 0
    assert login(tmp_path) == (user, password)


def test_two_deployments_do_not_share_a_password(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        settle(tmp_path / name)
    assert login(tmp_path / "one") != login(tmp_path / "two")


def test_what_is_given_counts_and_stays_when_it_is_given_no_more(tmp_path: Path) -> None:
    settle(tmp_path)
    settle(tmp_path, RABBITMQ_USER="ops", RABBITMQ_PASS="p@ss/w:rd%")
    assert login(tmp_path) == ("ops", "p@ss/w:rd%")
    assert lets_in(tmp_path, "ops", "p@ss/w:rd%")
    settle(tmp_path, RABBITMQ_USER="", RABBITMQ_PASS="")
    assert login(tmp_path) == ("ops", "p@ss/w:rd%")


def test_guest_is_refused(tmp_path: Path) -> None:
    answer = settle(tmp_path, RABBITMQ_USER="guest", RABBITMQ_PASS="guest")
    assert answer.returncode == 1
    assert "RABBITMQ_USER" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_only_its_group_reads_the_address_and_everybody_the_hash(tmp_path: Path) -> None:
    settle(tmp_path)
    assert (tmp_path / "amqp-url").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "definitions.json").stat().st_mode & 0o777 == 0o644
