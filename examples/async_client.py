"""A web tier on asyncio (FastAPI, Starlette): one client for each process, made when the app starts.

set -a; . .fairway/env; set +a           # the addresses of the `fairway up` that runs in this folder
python examples/async_client.py
"""

from __future__ import annotations

import asyncio

from producer.aio import Client
from shared.errors import NoReplyInTime
from shared.jobs.demo import Sleep
from shared.jobs.text import CountText


async def main() -> None:
    async with Client() as client:
        # Hand a job over and wait for its reply: typed, from the job to the reply.
        statistics = await client.call(CountText(text="to be or not to be"), timeout=10)
        print(f"{statistics.words} words, {statistics.unique_words} of them different")

        # Many at once: replies find their callers by correlation id.
        calls = (client.call(CountText(text="word " * number), timeout=10) for number in range(1, 101))
        print(f"{sum(found.words for found in await asyncio.gather(*calls))} words in 100 texts")

        # A deadline ends the waiting, not the job.
        handle = await client.submit(Sleep(seconds=0.5))
        try:
            await handle.result(timeout=0.1)
        except NoReplyInTime:
            print(f"job {handle.id} goes on")
        print(f"slept {(await handle.result(timeout=10)).seconds:.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
