"""FAIRWAY_AMQP_URL_FILE: the broker's address out of a mounted secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.errors import NotConfigured
from shared.settings import Settings

ADDRESS = "amqp://fairway:s3cret@rabbitmq:5672/"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in os.environ:
        if name.upper().startswith("FAIRWAY_"):
            monkeypatch.delenv(name)
    path = tmp_path / "amqp-url"
    path.write_text(f"{ADDRESS}\n")
    monkeypatch.setenv("FAIRWAY_AMQP_URL_FILE", str(path))
    return path


def test_the_address_is_read_from_the_file(secret: Path) -> None:
    settings = Settings.load()
    assert settings.amqp_urls == (ADDRESS,)
    assert settings.amqp_url_file == secret
    assert "s3cret" not in repr(settings)


@pytest.mark.usefixtures("secret")
def test_an_address_that_is_given_itself_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load(amqp_url="amqp://given/").amqp_urls == ("amqp://given/",)
    monkeypatch.setenv("FAIRWAY_AMQP_URL", "amqp://environment/")
    assert Settings.load().amqp_urls == ("amqp://environment/",)


def test_a_file_that_is_not_there_is_named(secret: Path) -> None:
    secret.unlink()
    with pytest.raises(NotConfigured, match=rf"FAIRWAY_AMQP_URL_FILE: .*{secret}"):
        Settings.load()


def test_what_stands_in_the_file_is_checked(secret: Path) -> None:
    secret.write_text("rabbitmq:5672")
    with pytest.raises(NotConfigured, match="must begin with amqp://"):
        Settings.load()
