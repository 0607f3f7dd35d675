"""The pure parts of `fairway up`: which broker, which processes with which environment, what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.environment import environment, forget, keep, kept
from fairway.launch.banner import banner
from fairway.launch.broker import Kind, candidates
from fairway.launch.programs import Addresses, programs
from shared.errors import NotConfigured

ADDRESSES = Addresses(
    "amqp://u:p@127.0.0.1:5672/%2F", "http://u:p%40ss@127.0.0.1:15672", "http://127.0.0.1:8000", "sqlite:////here/records.sqlite3"
)


@pytest.mark.parametrize(
    ("had", "expected"),
    [
        ({Kind.PRIVATE, Kind.DOCKER, Kind.FETCH}, [Kind.PRIVATE, Kind.DOCKER, Kind.FETCH]),
        ({Kind.FETCH, Kind.DOCKER}, [Kind.DOCKER, Kind.FETCH]),
        ({Kind.FETCH}, [Kind.FETCH]),
        (set[Kind](), []),
    ],
)
def test_brokers_are_tried_in_one_order(had: set[Kind], expected: list[Kind]) -> None:
    assert list(candidates(None, had.__contains__)) == expected


def test_nothing_is_looked_for_before_its_turn() -> None:
    asked: list[Kind] = []

    def can(kind: Kind) -> bool:
        asked.append(kind)
        return True

    assert next(candidates(None, can)) is Kind.PRIVATE
    assert asked == [Kind.PRIVATE]


def test_only_the_wanted_broker_is_tried() -> None:
    assert list(candidates("fetch", lambda _: True)) == [Kind.FETCH]


@pytest.mark.parametrize("wanted", ["podman", "Docker", " "])
def test_an_unknown_broker_is_named(wanted: str) -> None:
    with pytest.raises(NotConfigured, match=r"FAIRWAY_BROKER is .* but must be one of private, docker, fetch"):
        list(candidates(wanted, lambda _: True))


def test_a_wanted_broker_that_cannot_be_had_is_an_error_not_another_broker() -> None:
    with pytest.raises(NotConfigured, match="FAIRWAY_BROKER is 'docker', but there is no Docker daemon"):
        list(candidates("docker", lambda kind: kind is not Kind.DOCKER))


def test_workers_have_names_and_addresses_but_no_operators_credentials() -> None:
    fleet, web = programs(ADDRESSES, 8001, 2, {"FAIRWAY_MANAGEMENT_URL": "http://root@x", "FAIRWAY_SLOTS": "3", "FAIRWAY_NAME": "mine"})
    assert [program.name for program in (*fleet, *web)] == ["worker-1", "worker-2", "web"]
    for program in (*fleet, *web):
        assert program.env["FAIRWAY_NAME"] == program.name
        assert program.env["FAIRWAY_AMQP_URL"] == ADDRESSES.amqp
        assert program.env["FAIRWAY_SLOTS"] == "3"
        assert "FAIRWAY_MANAGEMENT_URL" not in program.env
    assert web[0].env["FAIRWAY_WEB_PORT"] == "8001"


def test_a_url_from_a_file_does_not_contradict_the_one_that_is_handed_on() -> None:
    fleet, _ = programs(ADDRESSES, 8000, 1, {"FAIRWAY_AMQP_URL_FILE": "/run/secrets/amqp"})
    assert "FAIRWAY_AMQP_URL_FILE" not in fleet[0].env


def test_the_banner_tells_the_addresses_and_the_login() -> None:
    text = banner(ADDRESSES, 1, 4.21)
    assert "up after 4.2 s: the web tier and 1 worker." in text
    assert "http://127.0.0.1:8000/docs" in text
    assert "http://127.0.0.1:15672   user u, password p@ss" in text
    assert 'send text.count text="to be or not to be" --wait' in text


def test_the_banner_is_silent_on_an_admin_ui_that_nobody_named() -> None:
    assert "RabbitMQ admin" not in banner(ADDRESSES._replace(management=None), 4, 1.0)


def test_the_environment_says_more_than_the_file_and_the_file_more_than_nothing(tmp_path: Path) -> None:
    keep(tmp_path, {"FAIRWAY_AMQP_URL": "amqp://u:p@h/?a=1&b='x y'", "FAIRWAY_WEB_URL": "http://h"})
    found = environment({"FAIRWAY_HOME": str(tmp_path), "FAIRWAY_WEB_URL": "http://mine"})
    assert found["FAIRWAY_AMQP_URL"] == "amqp://u:p@h/?a=1&b='x y'"
    assert found["FAIRWAY_WEB_URL"] == "http://mine"
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_where_nothing_runs_nothing_is_kept(tmp_path: Path) -> None:
    keep(tmp_path, {"FAIRWAY_WEB_URL": "http://h"})
    forget(tmp_path)
    assert kept(tmp_path) == {}
