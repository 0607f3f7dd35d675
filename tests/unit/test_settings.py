"""Settings: read from the environment once, and every mistake is named."""

from __future__ import annotations

import os

import pytest
from pydantic import ValidationError

from shared.errors import NotConfigured
from shared.settings import Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("FAIRWAY_"):
            monkeypatch.delenv(name)


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.load()
    assert settings.amqp_urls == ("amqp://guest:guest@localhost:5672/",)
    assert (settings.prefix, settings.loop_slots, settings.thread_slots) == ("fairway", 64, 16)
    assert settings.process_slots == (os.cpu_count() or 1)
    assert settings.keeps_records


def test_the_environment_is_read_and_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_SLOTS", "8")
    monkeypatch.setenv("FAIRWAY_JOB_TIMEOUT", "1.5")
    monkeypatch.setenv("FAIRWAY_QUEUES", "mails, images,")
    monkeypatch.setenv("FAIRWAY_JOBS", "")
    settings = Settings.load(job_timeout=2)
    assert (settings.loop_slots, settings.thread_slots, settings.job_timeout) == (8, 8, 2.0)
    assert settings.queues == ("mails", "images")
    assert settings.jobs == ()


def test_several_addresses_of_the_broker_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_AMQP_URL", "amqp://a:b@one/v, amqps://a:b@two/v")
    assert Settings.load().amqp_urls == ("amqp://a:b@one/v", "amqps://a:b@two/v")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SLOTS", "0", "greater than or equal to 1"),
        ("SLOTS", "many", "valid integer"),
        ("PROCESSES", "1000", "less than or equal to 256"),
        ("AMQP_URL", "http://localhost", "amqp://"),
        ("AMQP_URL", "amqp://a,", "amqp://"),
        ("AMQP_URL", "", "amqp://"),
        ("PREFIX", "Fair.way", "pattern"),
        ("QUEUES", "mails,Mails", "'Mails'"),
        ("NAME", "two words", "pattern"),
        ("DISPATCH", "greedy", "'fair'"),
        ("WEB_PORT", "70000", "65535"),
        ("HEARTBEAT", "0", "greater than or equal to 1"),
        ("LOG", "xml", "'json'"),
        ("GRACE", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    monkeypatch.setenv(f"FAIRWAY_{name}", value)
    with pytest.raises(NotConfigured, match=f"FAIRWAY_{name}: .*{reason}"):
        Settings.load()


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_SLOTS", "0")
    monkeypatch.setenv("FAIRWAY_GRACE", "soon")
    with pytest.raises(NotConfigured, match=r"FAIRWAY_SLOTS: .*FAIRWAY_GRACE: "):
        Settings.load()


def test_an_unknown_setting_is_an_error_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_AMQP_URI", "amqp://x")
    with pytest.raises(NotConfigured, match=r"FAIRWAY_AMQP_URI is no setting.*did you mean FAIRWAY_AMQP_URL\?"):
        Settings.load()


def test_settings_of_the_launcher_and_of_others_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRWAY_HOME", "somewhere")
    monkeypatch.setenv("FAIR_WAY", "x")
    Settings.load()


def test_no_secret_is_shown_nor_told_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(amqp_url="amqp://user:sesame@host/", management_url="http://user:sesame@host/")
    assert "sesame" not in repr(settings)
    monkeypatch.setenv("FAIRWAY_AMQP_URL", "http://user:sesame@host/")
    with pytest.raises(NotConfigured) as caught:
        Settings.load()
    assert "sesame" not in str(caught.value)


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().slots = 3  # type: ignore[misc]  # what must fail is the point
    with pytest.raises(NotConfigured, match="FAIRWAY_SLOT: "):
        Settings.load(slot=3)


def test_each_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
