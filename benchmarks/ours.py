"""Fairway's side of each measurement, as a web tier would write it.

python -m benchmarks.ours submit|call|threads|http JOBS IN_FLIGHT
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.figure import Watch
from benchmarks.jobs import Noop
from producer import aio, blocking
from shared.collector import settle_collector
from shared.link.loop import new_event_loop

NOOP = Noop(text="x" * 100, number=1)
TIMEOUT = 60.0  # seconds


async def submit(jobs: int, in_flight: int) -> None:
    """`client.submit`, confirmed, from `in_flight` coroutines."""
    async with aio.Client() as client:
        await client.ready(TIMEOUT)
        settle_collector()

        async def submitter(first: int) -> None:
            for _ in range(first, jobs, in_flight):
                await client.submit(NOOP, reply=False)

        watch = Watch()
        await asyncio.gather(*(submitter(first) for first in range(in_flight)))
        watch.figure(jobs).tell()


async def call(jobs: int, in_flight: int) -> None:
    """`client.call` from `in_flight` coroutines."""
    async with aio.Client() as client:
        await client.ready(TIMEOUT)
        settle_collector()
        latencies: list[float] = []

        async def caller(first: int) -> None:
            for _ in range(first, jobs, in_flight):
                started = time.perf_counter()
                await client.call(NOOP, timeout=TIMEOUT)
                latencies.append(time.perf_counter() - started)

        watch = Watch()
        await asyncio.gather(*(caller(first) for first in range(in_flight)))
        watch.figure(jobs, latencies).tell()


async def threads(jobs: int, in_flight: int) -> None:
    """`client.submit` of the blocking client, from `in_flight` threads."""
    with blocking.Client() as client:
        client.submit(NOOP, reply=False)
        settle_collector()

        def submitter(first: int) -> None:
            for _ in range(first, jobs, in_flight):
                client.submit(NOOP, reply=False)

        watch = Watch()
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(submitter, range(in_flight)))
        watch.figure(jobs).tell()


async def http(jobs: int, in_flight: int) -> None:
    """`POST /v1/jobs` over `in_flight` connections that are kept open; the CPU is the load's own."""
    body = b'{"type":"bench.noop","args":' + NOOP.model_dump_json().encode() + b"}"
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request, port, latencies = head.encode() + body, int(os.environ["FAIRWAY_WEB_PORT"]), list[float]()

    async def requester(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(first, jobs, in_flight):
            started = time.perf_counter()
            writer.write(request)
            await answered(reader)
            latencies.append(time.perf_counter() - started)
        writer.close()

    watch = Watch()
    await asyncio.gather(*(requester(first) for first in range(in_flight)))
    watch.figure(jobs, latencies).tell()


async def answered(reader: asyncio.StreamReader) -> None:
    """Read one answer; raises where it isn't 202."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 202"):
        raise RuntimeError(head.decode())
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))


if __name__ == "__main__":
    measure = {"submit": submit, "call": call, "threads": threads, "http": http}[sys.argv[1]]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(measure(int(sys.argv[2]), int(sys.argv[3])))
