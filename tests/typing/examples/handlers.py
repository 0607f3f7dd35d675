"""A handler takes the job type that it is bound to, and returns its reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import assert_type

from shared.job import Job
from tests.typing.examples.jobs import Forget, Resize, Resized
from worker.handler import Run, handles


@handles(Resize, run=Run.PROCESS, timeout=60)
def good_plain(job: Resize) -> Resized:
    return Resized(url=job.url, bytes=1)


@handles(Resize)
async def good_coroutine(job: Resize) -> Resized:
    return Resized(url=job.url, bytes=1)


@handles(Forget)
def good_without_reply(job: Forget) -> None:
    print(job.url)


@handles(Forget)
async def good_coroutine_without_reply(job: Forget) -> None:
    print(job.url)


@handles(Resize)
def good_wider_argument(job: Job[Resized]) -> Resized:
    return Resized(url=job.spec.name, bytes=1)


def good_left_alone() -> None:
    assert_type(good_plain(Resize(url="x")), Resized)
    called: Callable[[Resize], Awaitable[Resized]] = good_coroutine
    print(called)


@handles(Resize)  # E: the reply is another one
def bad_reply(job: Resize) -> str:
    return job.url


@handles(Resize)  # E: the reply of a coroutine is another one
async def bad_coroutine_reply(job: Resize) -> str:
    return job.url


@handles(Resize)  # E: there is a reply to return
def bad_no_reply(job: Resize) -> None:
    print(job.url)


@handles(Forget)  # E: there is no reply to return
def bad_too_much(job: Forget) -> str:
    return job.url


@handles(Resize)  # E: the argument is another job type
def bad_argument(job: Forget) -> Resized:
    return Resized(url=job.url, bytes=1)


@handles(Resize)  # E: a handler takes the job alone
def bad_arity(job: Resize, more: int) -> Resized:
    return Resized(url=job.url, bytes=more)


@handles(Resized)  # E: this is no job type
def bad_type(job: Resized) -> Resized:
    return job


@handles(Resize, run="process")  # E: where it runs is one of `Run`
def bad_run(job: Resize) -> Resized:
    return Resized(url=job.url, bytes=1)
