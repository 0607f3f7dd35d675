"""Which processes `fairway up` runs, and the addresses that it hands to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NamedTuple

from fairway.launch.child import Program


class Addresses(NamedTuple):
    """Where the broker, the web tier and the records of this `fairway up` are."""

    amqp: str
    management: str | None
    web: str
    records: str

    @property
    def variables(self) -> dict[str, str]:
        """What other commands of the same folder are told."""
        management = {"FAIRWAY_MANAGEMENT_URL": self.management} if self.management else {}
        return {"FAIRWAY_AMQP_URL": self.amqp, **management, "FAIRWAY_WEB_URL": self.web, "FAIRWAY_RECORDS_URL": self.records}


def worker_names(count: int) -> list[str]:
    """worker-1, worker-2, ..."""
    return [f"worker-{number}" for number in range(1, count + 1)]


def programs(addresses: Addresses, web_port: int, workers: int, environ: Mapping[str, str]) -> tuple[list[Program], list[Program]]:
    """The workers, and the web tier: what is stopped first comes first."""
    env = {**environ, **addresses.variables, "FAIRWAY_WEB_PORT": str(web_port)}
    # Operator's credentials are for `fairway topology`, never for a web replica or a worker; the file has been read.
    for name in ("FAIRWAY_MANAGEMENT_URL", "FAIRWAY_AMQP_URL_FILE"):
        env.pop(name, None)
    fleet = [Program(name, (sys.executable, "-m", "worker"), {**env, "FAIRWAY_NAME": name}) for name in worker_names(workers)]
    return fleet, [Program("web", (sys.executable, "-m", "fairway", "web"), {**env, "FAIRWAY_NAME": "web"})]
