"""One measured figure, and how it crosses from the process that measured it: a line of JSON on standard output."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """`cpu` is microseconds of the measured Python process for each job; `p50` and `p99` are milliseconds,
    where latency is the question.
    """

    jobs: int
    seconds: float
    cpu: float
    p50: float | None = None
    p99: float | None = None

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds

    def tell(self) -> None:
        """Print it for the process that started this one."""
        print(json.dumps(asdict(self)), flush=True)


class Watch:
    """Wall clock and this process's CPU, from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def figure(self, jobs: int, latencies: list[float] | None = None) -> Figure:
        """What `jobs` took since; `latencies` in seconds."""
        seconds, cpu = time.perf_counter() - self._wall, (time.process_time() - self._cpu) / jobs * 1e6
        if not latencies:
            return Figure(jobs, seconds, cpu)
        latencies = sorted(latencies)
        p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
        return Figure(jobs, seconds, cpu, p50, p99)
