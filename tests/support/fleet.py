"""Workers as processes of their own, on a real broker: started, watched by their log, signalled, and ended with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.envelope import Envelope, Reply
from shared.ids import Ids
from shared.job import Job
from shared.link.codec import message_of, properties_of
from shared.submission import seal
from shared.topology import Names, topology
from shared.wire import pack_job, unpack_reply
from tests.support.eventually import eventually
from tests.support.rabbit import Rabbit, rabbit_at

ROOT = Path(__file__).parents[2]
NAMES = Names()
QUEUES = ("default", "side")
STARTING, ENDING = 20.0, 20.0  # seconds


class Worker:
    """A `python -m worker`; what it logs is in `log`."""

    def __init__(self, home: Path, name: str, environ: dict[str, str]) -> None:
        self.name, self.log = name, home / f"{name}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "worker"], env=environ, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)

    def events(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Its log lines with this event and these fields."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event and fields.items() <= line.items()]

    def saw(self, event: str, within: float = 15.0, **fields: Any) -> dict[str, Any]:
        """The first such log line, as soon as it is there."""
        return eventually(lambda: self.events(event, **fields), within, lambda: f"{event} {fields}\n{self.log.read_text()}")[0]

    def is_ready(self) -> Worker:
        self.saw("worker.ready", STARTING)
        return self

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, as soon as it has one."""
        return self.process.wait(ENDING)


class Fleet:
    """Workers on one broker, a hand on that broker, and a folder in which handlers note what they do."""

    def __init__(self, amqp_url: str, home: Path, rabbit: Rabbit) -> None:
        self.amqp_url, self.home, self.rabbit = amqp_url, home, rabbit
        self.workers: list[Worker] = []
        self._ids = Ids()

    def start(self, name: str = "one", **settings: object) -> Worker:
        """A worker of this name; `settings` without their prefix."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("FAIRWAY_")}
        given = {"amqp_url": self.amqp_url, "handlers": "tests.support.worker_handlers", "log": "json", "name": name, **settings}
        worker = Worker(self.home, name, environ | {f"FAIRWAY_{key.upper()}": str(value) for key, value in given.items()})
        self.workers.append(worker)
        return worker

    def worker(self, name: str = "one", **settings: object) -> Worker:
        """A worker that is ready."""
        return self.start(name, **settings).is_ready()

    def submit(self, job: Job[Any], id: str = "", **options: Any) -> str:
        """Put the job on its queue; returns its id."""
        envelope: Envelope = seal(job, id or self._ids.new(), **options)
        message = pack_job(envelope)
        self.rabbit.send(NAMES.jobs, envelope.queue, message.body, properties_of(message))
        return envelope.id

    def release(self) -> None:
        """Let every `Hold` go on."""
        (self.home / "release").touch()

    @property
    def runs(self) -> list[str]:
        """The ids of the jobs that handlers were started for, in that order."""
        return [line.split()[0] for line in self._runs()]

    @property
    def runners(self) -> Counter[str]:
        """How many runs each worker had."""
        return Counter(line.split()[2] for line in self._runs())

    def running(self, *ids: str, times: int = 1) -> None:
        """Wait until the handler of each was started so often."""
        eventually(lambda: all(self.runs.count(id) >= times for id in ids), 20, lambda: f"{ids} in {self.runs}")

    def replies(self, count: int, within: float = 20.0) -> list[Reply]:
        """So many replies as the records are given them; they are taken, and the dead letters beside them too."""
        found: list[Reply] = []

        def taken() -> bool:
            records = [one for one in self.rabbit.take(NAMES.records) if "fairway-state" in one.headers]
            found.extend(unpack_reply(message_of(one.properties, one.body)) for one in records)
            return len(found) >= count

        eventually(taken, within, lambda: f"{len(found)} of {count} replies")
        return found

    def is_empty(self, queue: str = "default") -> bool:
        """Whether nothing is in a work queue, once all workers have left it: what they held is back then."""
        eventually(lambda: self.rabbit.consumers(NAMES.work(queue)) == 0)
        return self.rabbit.ready(NAMES.work(queue)) == 0

    def _runs(self) -> list[str]:
        path = self.home / "runs"
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def fleet_on(amqp_url: str, home: Path) -> Iterator[Fleet]:
    """No workers yet, on a broker whose topology is there. Whoever still runs at the end is killed."""
    with rabbit_at(amqp_url) as rabbit:
        rabbit.make(topology(NAMES, QUEUES, records=True, unlimited=False))
        fleet = Fleet(amqp_url, home, rabbit)
        try:
            yield fleet
        finally:
            for worker in fleet.workers:
                worker.process.kill()
                worker.process.wait()
