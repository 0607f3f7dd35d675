"""Who this worker is and what it does, told each second to whoever watches.

In a thread of its own: a handler that blocks the loop must not make its worker look gone. The
messages are transient and go to the events exchange; losing one is harmless.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from shared.link import Link, Publication
from shared.message import Message
from shared.submission import now_ms
from shared.topology import Names
from worker.adoption import Book
from worker.held import Held
from worker.tally import Tally

EVERY = 1.0  # seconds
LONG = 1000  # milliseconds from which on a running job is announced


class Presence(threading.Thread):
    """`about` is what doesn't change: name, host, pid, version, since, policy, queues, slots.

    `ready_file` is touched each second while the Link is healthy, for a container's healthcheck.
    """

    def __init__(
        self, link: Link, names: Names, about: Mapping[str, Any], book: Book, tally: Tally, ready_file: Path | None = None
    ) -> None:
        super().__init__(name="fairway-presence", daemon=True)
        self._link, self._names, self._about, self._book, self._tally = link, names, about, book, tally
        self._ready_file = ready_file
        self._leaving = threading.Event()
        self._stopping = False

    def stop_taking(self) -> None:
        """Say from now on that the worker takes no more jobs."""
        self._stopping = True

    def leave(self) -> None:
        """Say that the worker is gone, and stop."""
        self._leaving.set()
        self.join(2 * EVERY)
        self._tell("presence", {"kind": "presence", "gone": True, "worker": dict(self._about)})

    def run(self) -> None:
        while True:
            held = self._book.all()  # one step under the GIL: the loop goes on meanwhile
            self._tell("presence", {"kind": "presence", "worker": self._worker(held)})
            self._announce(held)
            if self._ready_file is not None and self._link.status.healthy:
                with suppress(OSError):  # a file that grows old says so by itself
                    self._ready_file.touch()
            if self._leaving.wait(EVERY):
                return

    def _worker(self, held: tuple[Held, ...]) -> dict[str, Any]:
        running = Counter(one.envelope.queue for one in held if one.started)
        tally = self._tally
        counts = {"done": tally.done, "failed": tally.failed, "finished": dict(tally.finished)}
        return {**self._about, "in_flight": dict(running), "stopping": self._stopping, **counts}

    def _announce(self, held: tuple[Held, ...]) -> None:
        now = now_ms()
        for one in held:
            if one.started and not one.announced and now - one.started >= LONG:
                one.announced = True
                envelope = one.envelope
                event = {
                    "kind": "started",
                    "id": envelope.id,
                    "type": envelope.type,
                    "queue": envelope.queue,
                    "worker": self._about["name"],
                    "attempt": envelope.attempt,
                    "at": one.started,
                }
                self._tell("started", event)

    def _tell(self, key: str, event: Mapping[str, Any]) -> None:
        message = Message(to_json(event), type=f"fairway.{key}", persistent=False)
        self._link.publish(Publication(self._names.events, key, message, mandatory=False), lambda _: None, timeout=EVERY)
