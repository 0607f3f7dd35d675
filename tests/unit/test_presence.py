"""What a worker says of itself each second, whatever happens around it."""

from __future__ import annotations

import json
import queue
from pathlib import Path
from typing import Any, cast

import pytest

from shared.link import Link, LinkState, LinkStatus, Publication
from shared.topology import Names
from worker import presence as module
from worker.adoption import Book
from worker.presence import Presence
from worker.tally import Tally

ABOUT = {"name": "w1"}


class Line:
    """A healthy Link that keeps what is published."""

    status = LinkStatus(LinkState.HEALTHY)

    def __init__(self) -> None:
        self.said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def publish(self, publication: Publication, _settle: object, *, timeout: float) -> None:
        assert timeout == module.EVERY
        self.said.put(json.loads(publication.message.body))

    def next(self) -> dict[str, Any]:
        return self.said.get(timeout=10)


def a_presence(line: Line, ready_file: Path | None = None) -> Presence:
    return Presence(cast("Link", line), Names(), ABOUT, Book(1), Tally(()), ready_file)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)


def test_a_worker_that_takes_no_more_says_so_until_it_is_gone() -> None:
    line = Line()
    presence = a_presence(line)
    presence.start()
    assert line.next()["worker"]["stopping"] is False
    presence.stop_taking()
    while not line.next()["worker"]["stopping"]:
        pass
    presence.leave()
    while not (last := line.next()).get("gone"):
        pass
    assert last == {"kind": "presence", "gone": True, "worker": ABOUT}


def test_a_ready_file_that_cannot_be_touched_does_not_silence_the_worker(tmp_path: Path) -> None:
    line = Line()
    presence = a_presence(line, tmp_path / "removed" / "ready")
    presence.start()
    for _ in range(3):
        assert line.next()["worker"]["name"] == "w1"
    presence.leave()
    assert not presence.is_alive()
