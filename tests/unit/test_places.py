"""Slots: taken one by one, shared by the queues of one executor, and kept by jobs whose connection went."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.support.deliveries import a_held
from worker.dispatch import Fair
from worker.handler import Run
from worker.places import Place, windows


def place(slots: int) -> Place:
    executor: Any = SimpleNamespace(slots=slots)
    return Place(executor, Fair())


def test_a_start_takes_a_slot_and_without_one_nothing_starts() -> None:
    here = place(2)
    held = [a_held(str(number)) for number in range(3)]
    for one in held:
        here.dispatch.add(one)
    assert [here.next(), here.next(), here.next()] == [held[0], held[1], None]
    assert (here.free, len(here.dispatch)) == (0, 1)
    here.free += 1
    assert here.next() is held[2]


def test_when_nothing_waits_no_slot_is_taken() -> None:
    here = place(2)
    assert here.next() is None
    assert here.free == 2


def test_a_queue_may_hold_its_share_less_what_runs_without_the_broker_knowing() -> None:
    places = {Run.LOOP: place(10), Run.THREAD: place(3)}
    queues = {"a": Run.LOOP, "b": Run.LOOP, "c": Run.THREAD}
    assert windows(places, queues, {}, {}) == {"a": 5, "b": 5, "c": 3}
    assert windows(places, queues, {"a": 2, "c": 1}, {}) == {"a": 3, "b": 5, "c": 2}


def test_a_window_is_never_shut() -> None:
    assert windows({Run.LOOP: place(4)}, {"a": Run.LOOP}, {"a": 4}, {}) == {"a": 1}


def test_a_full_worker_gets_all_of_its_own_back_in_a_few_steps_and_no_more_than_its_share() -> None:
    orphans, adopted, steps = 64, 0, list[int]()
    while not steps or adopted < 64:
        (window,) = windows({Run.LOOP: place(64)}, {"a": Run.LOOP}, {"a": orphans}, {"a": adopted}).values()
        steps.append(window)
        orphans, adopted = 64 - window, window
    assert steps == [1, 2, 4, 8, 16, 32, 64]
