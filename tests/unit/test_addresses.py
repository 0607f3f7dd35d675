"""Where the broker may be: what is read from an address, and what is never shown of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from shared.errors import BrokerDown, NotConfigured
from shared.link.addresses import parameters_of, resolve, shown


def test_an_address_gives_its_parts_and_the_connection_its_name() -> None:
    parameters = parameters_of("amqp://me:s%2Fecret@broker:5673/team%2Fa", heartbeat=7, name="fairway test host:1")
    assert (parameters.host, parameters.port, parameters.virtual_host) == ("broker", 5673, "team/a")
    credentials: Any = parameters.credentials
    assert (credentials.username, credentials.password) == ("me", "s/ecret")
    assert (parameters.heartbeat, parameters.connection_attempts) == (7, 1)
    assert (parameters.client_properties or {})["connection_name"] == "fairway test host:1"


def test_a_heartbeat_in_the_address_does_not_beat_the_setting() -> None:
    assert parameters_of("amqp://h/?heartbeat=600", heartbeat=7, name="n").heartbeat == 7


def test_an_encrypted_address_is_checked_against_the_name_in_it() -> None:
    parameters = parameters_of("amqps://me:secret@broker.example/", heartbeat=7, name="n")
    assert parameters.port == 5671
    assert parameters.ssl_options is not None
    assert parameters.ssl_options.server_hostname == "broker.example"


@pytest.mark.parametrize(
    "url", ["amqp://u:hunter2@host:notaport/", "amqp://u:hunter2@host:99999/", "amqp://u:hun#ter2@h/", "amqp://u:hun/ter2@h/"]
)
def test_a_wrong_address_is_said_without_its_password(url: str) -> None:
    with pytest.raises(NotConfigured, match=r"FAIRWAY_AMQP_URL: amqp://.* is no AMQP address") as raised:
        parameters_of(url, heartbeat=7, name="n")
    assert "hun" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("amqp://me:secret@host:5673/v", "amqp://me@host:5673/v"),
        (" amqps://host/ ", "amqps://host/"),
        ("amqp://me:secret@[::1]:5672/", "amqp://me@::1:5672/"),
    ],
)
def test_a_password_is_never_shown(url: str, without: str) -> None:
    assert shown(url) == without


class Names:
    """A resolver that knows what a test says."""

    def __init__(self, **known: list[str]) -> None:
        self.known = known

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.known[host]]


async def test_every_address_of_every_name_is_a_choice_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(one=["10.0.0.1", "10.0.0.2", "10.0.0.2"], two=["10.0.0.3"]))
    orders = []
    monkeypatch.setattr("random.shuffle", lambda found: orders.append(list(found)))
    choices = [
        parameters_of(f"amqp://me:secret@{host}:{port}/v", heartbeat=7, name="n") for host, port in (("one", 1), ("gone", 2), ("two", 3))
    ]
    found = await resolve(choices)
    assert [(one.host, one.port, one.virtual_host) for one in found] == [("10.0.0.1", 1, "v"), ("10.0.0.2", 1, "v"), ("10.0.0.3", 3, "v")]
    assert len(orders) == 1, "not shuffled"
    assert choices[0].host == "one", "names are resolved anew for each try"


async def test_no_name_that_resolves_is_a_broker_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names())
    with pytest.raises(BrokerDown, match="gone: Name or service not known"):
        await resolve([parameters_of("amqp://gone/", heartbeat=7, name="n")])
