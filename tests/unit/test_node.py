"""The private node's pure parts: its ports and files, and how its processes are told from others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from fairway.node.apt import without_ours
from fairway.node.config import PORTS, NodeConfig, write_private
from fairway.node.fetch import fetched
from fairway.node.files import environment, rabbitmq_conf
from fairway.node.installation import Installation
from fairway.node.pidfile import PidFile, born

CONFIG = NodeConfig(amqp=1, management=2, prometheus=3, distribution=4, epmd=5, user="fairway", password="secret")


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes]]:
    """A process that waits for its end, in a session of its own."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def test_a_config_survives_the_file_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    CONFIG.save(tmp_path)
    assert NodeConfig.load(tmp_path) == CONFIG
    assert (tmp_path / "node.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"amqp": 1}', "null"])
def test_a_broken_config_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "node.json").write_text(text)
    assert NodeConfig.load(tmp_path) is None


def test_a_private_file_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_generated_ports_differ_and_are_not_given_to_outgoing_connections() -> None:
    config = NodeConfig.generate()
    ports = {config.amqp, config.management, config.prometheus, config.distribution, config.epmd}
    assert len(ports) == 5
    assert all(port in PORTS for port in ports)
    assert config.password != NodeConfig.generate().password


def test_ports_stay_while_they_are_free_and_change_when_one_is_taken() -> None:
    config = NodeConfig.generate()
    assert config.with_free_ports() == config
    with socket.socket() as other:
        other.bind(("127.0.0.1", config.management))
        other.listen()
        moved = config.with_free_ports()
    assert moved.management != config.management
    assert (moved.user, moved.password) == (config.user, config.password)


def test_every_listener_is_on_loopback_and_there_is_no_guest() -> None:
    settings = dict(line.split(" = ") for line in rabbitmq_conf(CONFIG).splitlines())
    assert settings["listeners.tcp.1"] == "127.0.0.1:1"
    assert settings["management.tcp.ip"] == settings["prometheus.tcp.ip"] == "127.0.0.1"
    assert settings["default_user"] == "fairway"


def test_the_node_sees_no_setting_of_the_machine(tmp_path: Path) -> None:
    installation = Installation(Path("/r/sbin/rabbitmq-server"), path=(Path("/r/bin"),), libraries=(Path("/r/lib"),))
    machine = {"PATH": "/usr/bin", "RABBITMQ_NODENAME": "rabbit@production", "LD_LIBRARY_PATH": "/evil", "LANG": "C.UTF-8"}
    env = environment(CONFIG, installation, tmp_path, machine)
    assert env["PATH"].startswith("/r/bin:/usr/bin:")
    assert env["LD_LIBRARY_PATH"] == "/r/lib"
    assert env["RABBITMQ_NODENAME"] == "fairway@localhost"
    assert env["LANG"] == "C.UTF-8"
    assert env["HOME"] == str(tmp_path)


def test_a_pidfile_knows_its_process_while_that_runs(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    file = PidFile(tmp_path / "sleeper.pid")
    file.write(sleeper.pid)
    assert file.pid() == sleeper.pid
    file.end(patience=10.0)
    assert sleeper.wait() == -signal.SIGTERM
    assert file.pid() is None
    assert not file.path.exists()


def test_a_process_that_was_born_at_another_moment_is_not_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    file = PidFile(tmp_path / "stranger.pid")
    file.path.write_text(f"{sleeper.pid} another-boot/1\n")
    file.end(patience=10.0)
    file.path.write_text(f"{sleeper.pid} another-boot/1\n")
    file.kill()
    assert sleeper.poll() is None


def test_a_process_that_hears_no_sigterm_is_killed_with_its_group(tmp_path: Path) -> None:
    lines = ["import signal, subprocess", "signal.signal(15, signal.SIG_IGN)", "p = subprocess.Popen(['sleep', '60'])"]
    deaf = "\n".join([*lines, "print(p.pid, flush=True)", "p.wait()"])
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        file = PidFile(tmp_path / "deaf.pid")
        file.write(process.pid)
        file.end(patience=0.1)
        assert process.wait() == -signal.SIGKILL
        # The pipe ends when the last who holds it is gone: the grandchild too.
        assert process.stdout.read() == ""


def test_a_process_that_ended_was_born_at_no_time(sleeper: subprocess.Popen[bytes]) -> None:
    assert born(os.getpid()) == born(os.getpid()) is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert born(sleeper.pid) is None


@pytest.mark.parametrize("text", ["", "12", "x y", "12 a b"])
def test_a_broken_pidfile_names_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.pid").write_text(text)
    assert PidFile(tmp_path / "broken.pid").pid() is None


def test_apt_is_told_that_neither_rabbitmq_nor_erlang_is_installed() -> None:
    paragraphs = ["Package: bash\nStatus: install ok", "Package: erlang-base\nStatus: install ok", "Package: rabbitmq-server\nVersion: 1"]
    others = ["Package: libssl3\nDescription: not for\n Package: erlang-base", "Package: my-erlang-tool\nDepends: erlang-base\n"]
    assert without_ours("\n\n".join(paragraphs + others)) == "\n\n".join([paragraphs[0], *others])


def test_what_was_fetched_is_started_with_its_own_erlang_and_libraries(tmp_path: Path) -> None:
    for folder in ("bin", "usr/lib/erlang/erts-13.1/bin", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"):
        (tmp_path / folder).mkdir(parents=True)
    found = fetched(tmp_path)
    assert found.server == tmp_path / "usr/lib/rabbitmq/bin/rabbitmq-server"
    assert found.path == (tmp_path / "bin", tmp_path / "usr/lib/erlang/erts-13.1/bin")
    assert found.libraries == (tmp_path / "usr/lib/x86_64-linux-gnu", tmp_path / "lib/x86_64-linux-gnu")
