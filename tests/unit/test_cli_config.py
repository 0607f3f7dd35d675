"""`fairway config` and `fairway worker`: settings, where they came from, and options that win over them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fairway.commands.config import without_password
from fairway.environment import keep
from shared.settings import Settings
from tests.support.command_line import bare_environment, fairway


def config() -> dict[str, dict[str, Any]]:
    result = fairway("config", "--json")
    assert result.exit_code == 0, result.stderr
    return {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}


def test_each_setting_is_there_with_what_it_means() -> None:
    with bare_environment():
        found = config()
    assert list(found) == [f"FAIRWAY_{field.upper()}" for field in Settings.model_fields]
    assert found["FAIRWAY_GRACE"] == {
        "name": "FAIRWAY_GRACE",
        "value": "30.0",
        "origin": "default",
        "meaning": Settings.model_fields["grace"].description,
    }
    assert all(setting["meaning"] and setting["origin"] == "default" for setting in found.values())


def test_each_value_says_where_it_came_from(tmp_path: Path) -> None:
    keep(tmp_path, {"FAIRWAY_WEB_URL": "http://127.0.0.1:1", "FAIRWAY_AMQP_URL": "amqp://up:secret@127.0.0.1:2/"})
    with bare_environment(FAIRWAY_HOME=str(tmp_path), FAIRWAY_AMQP_URL="amqp://mine:secret@there:5672/", FAIRWAY_SLOTS="8"):
        found = config()
    assert {name: (found[name]["value"], found[name]["origin"]) for name in ("FAIRWAY_WEB_URL", "FAIRWAY_AMQP_URL", "FAIRWAY_SLOTS")} == {
        "FAIRWAY_WEB_URL": ("http://127.0.0.1:1", ".fairway/env"),
        "FAIRWAY_AMQP_URL": ("amqp://mine:***@there:5672/", "environment"),
        "FAIRWAY_SLOTS": ("8", "environment"),
    }


def test_an_address_from_a_file_names_the_setting_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "amqp-url").write_text("amqp://a:secret@there/v\n")
    with bare_environment(FAIRWAY_AMQP_URL_FILE=str(tmp_path / "amqp-url")):
        found = config()["FAIRWAY_AMQP_URL"]
    assert (found["value"], found["origin"]) == ("amqp://a:***@there/v", "FAIRWAY_AMQP_URL_FILE")


def test_no_password_is_ever_printed(tmp_path: Path) -> None:
    keep(tmp_path, {"FAIRWAY_AMQP_URL": "amqp://a:s3cr3t@one/,amqp://b:s3cr3t@two/"})
    secret = {"FAIRWAY_MANAGEMENT_URL": "http://op:s3cr3t@here:15672", "FAIRWAY_WEB_URL": "http://web:s3cr3t@here"}
    with bare_environment(FAIRWAY_HOME=str(tmp_path), **secret):
        for words in (("config",), ("config", "--json")):
            result = fairway(*words)
            assert "s3cr3t" not in result.output
            assert "amqp://a:***@one/,amqp://b:***@two/" in result.stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:////var/lib/records.sqlite3", "sqlite:////var/lib/records.sqlite3"),
        ("postgresql://a:b@c/d", "postgresql://a:***@c/d"),
        ("amqp://a:b@c@d/", "amqp://a:***@d/"),
        ("amqp://:b@c/", "amqp://:***@c/"),
        ("amqp://a:b@[c/", "***"),
        ("off", "off"),
    ],
)
def test_what_is_hidden_of_an_address(text: str, shown: str) -> None:
    assert without_password(text) == shown


def test_a_person_reads_value_origin_and_meaning() -> None:
    with bare_environment(FAIRWAY_SLOTS="8"):
        lines = fairway("config").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("FAIRWAY_SLOTS "))
    assert lines[at].split() == ["FAIRWAY_SLOTS", "8", "(environment)"]
    assert lines[at + 1].strip() == Settings.model_fields["slots"].description
    assert any(line.split() == ["FAIRWAY_NAME", "-", "(default)"] for line in lines)


def test_a_wrong_setting_is_78_and_an_unknown_one_has_a_neighbour() -> None:
    with bare_environment(FAIRWAY_SLOTS="many"):
        result = fairway("config")
        assert result.exit_code == 78
        assert "FAIRWAY_SLOTS: " in result.stderr
    with bare_environment(FAIRWAY_SLOT="1"):
        result = fairway("config")
        assert result.exit_code == 78
        assert "FAIRWAY_SLOT is no setting of Fairway; did you mean FAIRWAY_SLOTS?" in result.stderr


def test_options_of_a_worker_win_over_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr("worker.__main__.main", lambda: seen.append(Settings.load()))
    with bare_environment(FAIRWAY_SLOTS="8", FAIRWAY_NAME="one"):
        result = fairway("worker", "--queues", "mails,images", "--slots", "2", "--processes", "3")
        assert os.environ["FAIRWAY_SLOTS"] == "2"
    assert result.exit_code == 0
    assert [(found.queues, found.slots, found.processes, found.name) for found in seen] == [(("mails", "images"), 2, 3, "one")]


def test_a_wrong_option_of_a_worker_names_its_setting() -> None:
    with bare_environment():
        result = fairway("worker", "--slots", "none")
    assert result.exit_code == 78
    assert "FAIRWAY_SLOTS: " in result.stderr
