"""The sample jobs of text, math and demo: what they count, what they refuse, where they run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from pydantic import ValidationError

from shared.catalogue import Catalogue
from shared.envelope import Envelope
from shared.jobs.demo import Sleep, SleepInThread
from shared.jobs.math import FindPrimes
from shared.jobs.text import CountText, TextStatistics
from shared.settings import Settings
from worker.executor import Executor
from worker.executors import LoopExecutor, ThreadExecutor
from worker.handler import MARK, Run
from worker.handlers.demo import sleep, sleep_in_thread
from worker.handlers.math import find_primes
from worker.handlers.text import count_text
from worker.registry import Registry


async def nothing(*_: object) -> str:
    raise NotImplementedError


def counted(text: str) -> TextStatistics:
    reply = asyncio.run(getattr(count_text, MARK).ainvoke(CountText(text=text).model_dump_json().encode()))
    return TextStatistics.model_validate_json(reply)


def test_a_text_in_figures() -> None:
    figures = counted("It's 3.14, a well-known number.\nReally?! Yes, it's: größer als π…")
    assert figures.characters == 65
    assert figures.characters_without_spaces == 55
    assert (figures.words, figures.unique_words) == (12, 11)
    assert (figures.lines, figures.sentences) == (2, 3)
    assert figures.longest_word == "well-known"
    assert [(common.word, common.count) for common in figures.most_common][:2] == [("it's", 2), ("3", 1)]
    assert len(figures.most_common) == 10


@pytest.mark.parametrize(
    ("text", "words", "lines", "sentences"),
    [("", 0, 0, 0), (" \n ", 0, 2, 0), ("Hello", 1, 1, 1), ("One. Two! Three", 3, 1, 3), ("...", 0, 1, 0), ("今日は。明日。", 2, 1, 2)],
)
def test_odd_texts(text: str, words: int, lines: int, sentences: int) -> None:
    figures = counted(text)
    assert (figures.words, figures.lines, figures.sentences) == (words, lines, sentences)
    assert figures.characters == len(text)


def by_trial(below: int) -> list[int]:
    return [n for n in range(2, below) if all(n % d for d in range(2, n))]


@pytest.mark.parametrize("below", [*range(32), 49, 50, 121, 122, 1000])
def test_primes_below_small_limits(below: int) -> None:
    expected = by_trial(below)
    found = find_primes(FindPrimes(below=below, listed=True))
    assert found.primes == expected
    assert found.count == len(expected)
    assert found.largest == (expected[-1] if expected else None)


def test_primes_below_a_million() -> None:
    found = find_primes(FindPrimes(below=1_000_000))
    assert (found.count, found.largest, found.primes) == (78_498, 999_983, None)  # https://oeis.org/A006880


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"below": -1}, "below"),
        ({"below": 50_000_001}, "below"),
        ({"below": 1_000_001, "listed": True}, "below: at most 1000000 where listed is true"),
        ({"below": 5, "under": 7}, "under"),
    ],
)
def test_arguments_out_of_bounds_are_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FindPrimes(**arguments)


@pytest.mark.parametrize("seconds", [-0.1, 3600.1, float("nan"), float("inf")])
def test_nobody_sleeps_for_ever(seconds: float) -> None:
    with pytest.raises(ValidationError, match="seconds"):
        Sleep(seconds=seconds)


def test_a_text_has_an_end() -> None:
    with pytest.raises(ValidationError, match="text"):
        CountText(text="x" * 100_001)


async def slept(executor: Executor, function: Any, seconds: float) -> dict[str, Any]:
    handler = getattr(function, MARK)
    envelope = Envelope("id-1", handler.name, handler.queue, json.dumps({"seconds": seconds}).encode(), 0)
    reply: dict[str, Any] = json.loads(await asyncio.create_task(executor.run(handler, envelope, 30)))
    await executor.close()
    return reply


@pytest.mark.parametrize("run", [Run.LOOP, Run.THREAD])
async def test_a_sleeper_says_where_and_how_long(run: Run) -> None:
    began = time.monotonic()
    if run is Run.LOOP:
        reply = await slept(LoopExecutor(1, "worker-1", nothing), sleep, 0.05)
    else:
        reply = await slept(ThreadExecutor(1, "worker-1", nothing), sleep_in_thread, 0.05)
    assert (reply["worker"], reply["pid"]) == ("worker-1", os.getpid())
    assert 0.045 <= reply["seconds"] <= time.monotonic() - began + 0.001


async def test_a_sleeping_thread_wakes_when_it_is_told_to_stop() -> None:
    executor = ThreadExecutor(1, "worker-1", nothing)
    handler = getattr(sleep_in_thread, MARK)
    envelope = Envelope("id-1", handler.name, handler.queue, SleepInThread(seconds=3600).model_dump_json().encode(), 0)
    with pytest.raises(Exception, match="time limit"):
        async with asyncio.timeout(10):
            await asyncio.create_task(executor.run(handler, envelope, 0.05))
    await executor.close()


def test_each_sample_job_has_one_handler_where_it_belongs() -> None:
    settings = Settings.load()
    catalogue, registry = Catalogue.load(settings.jobs), Registry.load(settings.handlers)
    places = {handler.name: (handler.queue, handler.run) for handler in registry}
    assert set(places) == set(catalogue.types)
    assert places == {
        "text.count": ("default", Run.LOOP),
        "image.thumbnail": ("cpu", Run.PROCESS),
        "math.primes": ("cpu", Run.PROCESS),
        "demo.sleep": ("default", Run.LOOP),
        "demo.sleep-thread": ("threads", Run.THREAD),
    }


def test_the_contracts_bring_no_pillow() -> None:
    program = "import sys, shared.jobs.text, shared.jobs.image, shared.jobs.math, shared.jobs.demo; print('PIL' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_every_argument_is_described() -> None:
    for kind in Catalogue.load(Settings.load().jobs).types.values():
        for name, argument in kind.model_json_schema()["properties"].items():
            assert argument.get("description"), f"{kind.__name__}.{name}"
