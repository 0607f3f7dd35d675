"""Ids: UUIDv7, strictly growing in one process whatever the clock and the threads do."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import Ids, created_ms, is_id


def test_an_id_is_a_uuid_of_version_7_in_its_usual_form() -> None:
    text = Ids().new()
    assert uuid.UUID(text).version == 7
    assert uuid.UUID(text).variant == uuid.RFC_4122
    assert is_id(text)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=9, max_size=9))
def test_any_time_and_any_entropy_give_a_uuidv7_of_that_time(millis: int, random: bytes) -> None:
    text = Ids(lambda: millis, lambda _: random).new()
    assert uuid.UUID(text).version == 7
    assert created_ms(text) == millis


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=50), st.binary(min_size=9, max_size=9))
def test_ids_grow_even_when_the_clock_stands_or_goes_back(clock: list[int], random: bytes) -> None:
    ticks = iter(clock)
    ids = Ids(lambda: next(ticks), lambda _: random)
    made = [ids.new() for _ in clock]
    assert all(one < next_one for one, next_one in pairwise(made))


def test_ids_made_in_one_millisecond_count_up_over_every_field_border() -> None:
    ids = Ids(lambda: 0, lambda _: b"\x00" + b"\xff" * 8)
    first, second = ids.new(), ids.new()
    assert first < second
    assert uuid.UUID(second).version == 7


def test_ids_of_many_threads_never_repeat_and_grow_within_each_thread() -> None:
    ids = Ids()

    def burst() -> list[str]:
        return [ids.new() for _ in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        bursts = [future.result() for future in [pool.submit(burst) for _ in range(8)]]
    assert all(one < next_one for made in bursts for one, next_one in pairwise(made))
    assert len(set().union(*bursts)) == 16_000


def test_an_id_says_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = created_ms(Ids().new())
    assert before <= made <= time.time_ns() // 1_000_000


def test_what_is_no_uuid_in_its_usual_form_is_no_id() -> None:
    good = Ids().new()
    assert not any(is_id(text) for text in ("", "x", good.upper(), good.replace("-", ""), f"{{{good}}}", f"urn:uuid:{good}"))
