"""The floor: bare pika on asyncio doing the least that the job takes, with the same guarantees and the same messages.

    python -m benchmarks.floor submit|drain|echo|call JOBS [IN_FLIGHT]

Persistent, mandatory and confirmed; acks after the work, coalesced; uvloop where it installs.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from benchmarks.figure import Watch
from benchmarks.jobs import Noop
from shared.envelope import Envelope
from shared.link.codec import properties_of
from shared.link.loop import new_event_loop
from shared.message import Message
from shared.topology import Names
from shared.wire import pack_job

BODY = Noop(text="x" * 100, number=1).model_dump_json().encode()
NAMES = Names(os.environ.get("FAIRWAY_PREFIX", "fairway"))
ECHO = f"{NAMES.prefix}.floor.echo"


def job(number: int, reply_to: str | None = None) -> Message:
    """The same message that Fairway sends for the job that is measured."""
    return pack_job(
        Envelope(f"00000000-0000-7000-8000-{number:012d}", "bench.noop", "bench", BODY, time.time_ns() // 1_000_000, 1, reply_to)
    )


async def channel() -> Channel:
    """An open channel on a connection of its own."""
    opened: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
    AsyncioConnection(
        pika.URLParameters(os.environ["FAIRWAY_AMQP_URL"].split(",")[0]),
        on_open_callback=lambda connection: connection.channel(on_open_callback=opened.set_result),
        on_open_error_callback=lambda _, error: opened.set_exception(ConnectionError(str(error))),
    )
    return await opened


async def said(method: Callable[..., object], *args: Any, **options: Any) -> Any:
    """One synchronous AMQP method."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    method(*args, **options, callback=answer.set_result)
    return await answer


async def submit(jobs: int, in_flight: int) -> None:
    """Confirmed publishes, `in_flight` at once."""
    publishing, done = await channel(), asyncio.get_running_loop().create_future()
    sent = confirmed = 0

    def send() -> None:
        nonlocal sent
        while sent < jobs and sent - confirmed < in_flight:
            sent += 1
            message = job(sent)
            publishing.basic_publish(NAMES.jobs, "bench", message.body, properties_of(message), mandatory=True)

    def on_confirm(answer: Any) -> None:
        nonlocal confirmed
        # Confirms come in order here: one publisher, one queue.
        confirmed = answer.method.delivery_tag
        if confirmed == jobs:
            done.set_result(None)
        send()

    await said(publishing.confirm_delivery, on_confirm)
    watch = Watch()
    send()
    await done
    watch.figure(jobs).tell()


async def drain(jobs: int, prefetch: int) -> None:
    """Consume and ack; one `multiple` ack for each turn of the loop."""
    consuming, loop = await channel(), asyncio.get_running_loop()
    done, taken, watch = loop.create_future(), 0, Watch()
    pending = False

    def ack() -> None:
        nonlocal pending
        pending = False
        consuming.basic_ack(taken, multiple=True)
        if taken >= jobs and not done.done():
            done.set_result(None)

    def on_message(_: Channel, method: Any, __: Any, ___: bytes) -> None:
        nonlocal taken, watch, pending
        if taken == 0:
            watch = Watch()
        taken = method.delivery_tag
        if not pending:
            pending = True
            loop.call_soon(ack)

    await said(consuming.basic_qos, prefetch_count=prefetch)
    await said(consuming.basic_consume, NAMES.work("bench"), on_message)
    await done
    watch.figure(taken).tell()


async def echo(_: int, prefetch: int) -> None:
    """The worker of a round trip: a confirmed reply, then the ack; until it is ended."""
    consuming, replying = await channel(), await channel()
    unacked: dict[int, int] = {}
    sent = 0

    def on_confirm(answer: Any) -> None:
        last = answer.method.delivery_tag
        for tag in [tag for tag in unacked if tag <= last] if answer.method.multiple else [last]:
            consuming.basic_ack(unacked.pop(tag))

    def on_message(_: Channel, method: Any, properties: Any, __: bytes) -> None:
        nonlocal sent
        sent += 1
        unacked[sent] = method.delivery_tag
        reply = pika.BasicProperties(correlation_id=properties.correlation_id, content_type="application/json", delivery_mode=2)
        replying.basic_publish(NAMES.replies, properties.reply_to, b'{"reply":null}', reply, mandatory=True)

    await said(replying.confirm_delivery, on_confirm)
    await said(consuming.basic_qos, prefetch_count=prefetch)
    await said(consuming.basic_consume, NAMES.work("bench"), on_message)
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


async def call(jobs: int, in_flight: int) -> None:
    """The caller of a round trip, `in_flight` at once, over a classic reply queue."""
    publishing, replies, loop = await channel(), await channel(), asyncio.get_running_loop()
    key = f"r.floor-{os.getpid()}"
    await said(replies.queue_declare, f"{ECHO}.{os.getpid()}", exclusive=True)
    await said(replies.queue_bind, f"{ECHO}.{os.getpid()}", NAMES.replies, key)
    waiting: dict[str, asyncio.Future[None]] = {}

    def on_reply(_: Channel, __: Any, properties: Any, ___: bytes) -> None:
        waiting.pop(properties.correlation_id).set_result(None)

    await said(replies.basic_consume, f"{ECHO}.{os.getpid()}", on_reply, auto_ack=True)
    await said(publishing.confirm_delivery, lambda _: None)
    latencies: list[float] = []

    async def caller(first: int) -> None:
        for number in range(first, jobs, in_flight):
            message, started = job(number, key), time.perf_counter()
            waiting[message.id] = loop.create_future()
            publishing.basic_publish(NAMES.jobs, "bench", message.body, properties_of(message), mandatory=True)
            await waiting[message.id]
            latencies.append(time.perf_counter() - started)

    watch = Watch()
    await asyncio.gather(*(caller(first) for first in range(in_flight)))
    watch.figure(jobs, latencies).tell()


if __name__ == "__main__":
    measure = {"submit": submit, "drain": drain, "echo": echo, "call": call}[sys.argv[1]]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(measure(int(sys.argv[2]), int(sys.argv[3])))
