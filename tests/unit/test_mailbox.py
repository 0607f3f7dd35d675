"""Items over the border between threads: none lost, in order, one wake-up a batch, and an end that is heard."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from shared.link.mailbox import Mailbox
from tests.support.until import until


class CountingLoop:
    """A loop's face for the mailbox, which counts how often it is woken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self.woken = loop, 0

    def call_soon_threadsafe(self, callback: Callable[..., Any]) -> None:
        self.woken += 1
        self._loop.call_soon_threadsafe(callback)


async def test_what_many_threads_put_arrives_each_threads_in_its_order() -> None:
    batches: list[list[tuple[int, int]]] = []
    mailbox: Mailbox[tuple[int, int]] = Mailbox(asyncio.get_running_loop(), batches.append)

    def fill(name: int) -> None:
        for number in range(5000):
            if number % 7:
                mailbox.put((name, number))
            else:
                mailbox.put_all([(name, number)])

    threads = [threading.Thread(target=fill, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    await until(lambda: sum(map(len, batches)) == 20_000)
    arrived = [item for batch in batches for item in batch]
    for name in range(4):
        assert [number for whose, number in arrived if whose == name] == list(range(5000))


async def test_a_batch_is_one_wake_up() -> None:
    batches: list[list[int]] = []
    loop = CountingLoop(asyncio.get_running_loop())
    mailbox: Mailbox[int] = Mailbox(loop, batches.append)  # type: ignore[arg-type]
    for number in range(100):
        mailbox.put(number)
    mailbox.put_all(range(100, 200))
    await until(lambda: batches != [])
    assert batches == [list(range(200))]
    assert loop.woken == 1
    mailbox.put(200)
    await until(lambda: len(batches) == 2)
    assert loop.woken == 2


async def test_what_is_put_while_a_batch_is_received_comes_in_the_next() -> None:
    batches: list[list[int]] = []

    def receive(batch: list[int]) -> None:
        batches.append(batch)
        if batch[-1] < 3:
            mailbox.put(batch[-1] + 1)

    mailbox: Mailbox[int] = Mailbox(asyncio.get_running_loop(), receive)
    mailbox.put(1)
    await until(lambda: len(batches) == 3)
    assert batches == [[1], [2], [3]]


def test_everyone_hears_that_the_loop_is_closed_and_nothing_is_lost() -> None:
    loop = asyncio.new_event_loop()
    batches: list[list[int]] = []
    mailbox: Mailbox[int] = Mailbox(loop, batches.append)
    mailbox.put(1)  # and the loop never ran
    loop.close()
    mailbox.drain()
    for number in (2, 3):
        with pytest.raises(RuntimeError):
            mailbox.put(number)
    with pytest.raises(RuntimeError):
        mailbox.put_all([4, 5])
    mailbox.drain()
    mailbox.drain()
    assert batches == [[1], [2, 3, 4, 5]]


def test_threads_that_drain_at_once_take_each_item_once() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    taken: list[int] = []
    mailbox: Mailbox[int] = Mailbox(loop, taken.extend)

    def put(name: int) -> None:
        for number in range(2000):
            try:
                mailbox.put(name * 2000 + number)
            except RuntimeError:
                mailbox.drain()

    threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mailbox.drain()
    assert sorted(taken) == list(range(8000))
