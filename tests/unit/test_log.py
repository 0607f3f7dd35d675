"""Logs: one line for each event, the attempt bound to every line, the standard library's included."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import structlog

from shared.log import EVENTS, configure, current_attempt


class Running(NamedTuple):
    """An attempt, as far as log lines need it."""

    id: str
    type: str
    attempt: int
    worker: str


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_events_are_named_after_who_and_what() -> None:
    assert [name for name in EVENTS if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)] == []


def test_a_line_is_json_with_its_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    structlog.get_logger().info("worker.ready", slots=3)
    structlog.get_logger().debug("worker.stopping")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["slots"]) == ("worker.ready", "info", 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(line["timestamp"]))


def test_every_line_of_an_attempt_names_it_the_libraries_own_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    token = current_attempt.set(Running("a1", "text.count", 1, "w1"))
    structlog.get_logger().info("job.finished")
    logging.getLogger("some.library").warning("odd: %s", 7)
    current_attempt.reset(token)
    structlog.get_logger().info("worker.stopped")
    finished, library, stopped = lines(capsys)
    for line in (finished, library):
        assert (line["job"], line["type"], line["attempt"], line["worker"]) == ("a1", "text.count", 1, "w1")
    assert library["event"] == "odd: 7"
    assert "job" not in stopped


def test_libraries_say_only_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "debug")
    logging.getLogger("some.library").info("chatter")
    assert lines(capsys) == []


def test_an_error_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    try:
        json.loads("{")
    except json.JSONDecodeError:
        structlog.get_logger().exception("hook.failed")
    (line,) = lines(capsys)
    assert "JSONDecodeError" in json.dumps(line["exception"])


def test_on_a_terminal_lines_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure("console", "info")
    structlog.get_logger().info("web.ready", port=8000)
    text = capsys.readouterr().out
    assert "web.ready" in text
    assert "port" in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


GUEST = """
import logging, sys
from shared.log import Logger
if sys.argv[1:]:
    logging.basicConfig(level="INFO", stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
Logger().info("link.connected", session=1)
"""


def test_in_somebody_elses_process_lines_are_the_standard_librarys() -> None:
    def said(*arguments: str) -> str:
        return subprocess.run([sys.executable, "-c", GUEST, *arguments], capture_output=True, text=True, check=True).stdout

    assert said() == ""
    assert said("listening") == "fairway INFO event='link.connected' session=1\n"


def test_a_line_and_its_end_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes share a terminal: between two writes of one of them there is room for a line of another."""
    written: list[str] = []
    monkeypatch.setattr(sys.stdout, "write", written.append)
    configure("json", "info")
    structlog.get_logger().info("worker.ready")
    monkeypatch.undo()
    (line,) = written
    assert line.endswith("}\n")
