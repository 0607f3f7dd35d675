"""A script, or a web tier with threads (Django, Flask): any number of threads share one client.

set -a; . .fairway/env; set +a           # the addresses of the `fairway up` that runs in this folder
python examples/blocking_client.py
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from producer.blocking import Client
from shared.errors import JobFailed
from shared.jobs.demo import Sleep
from shared.jobs.image import MakeThumbnail
from shared.jobs.math import FindPrimes
from shared.jobs.text import CountText


def main() -> None:
    with Client() as client:
        # Hand a job over and wait for its reply: typed, from the job to the reply.
        statistics = client.call(CountText(text="to be or not to be"), timeout=10)
        print(f"{statistics.words} words, {statistics.unique_words} of them different")

        # Hand it over now, ask later. `submit` returns when the broker has the job safe.
        handle = client.submit(Sleep(seconds=0.2), tags=["example"])
        slept = handle.result(timeout=10)
        print(f"slept {slept.seconds:.1f} s on {slept.worker}")

        # Replies find their callers by correlation id, however many wait at once.
        with ThreadPoolExecutor(8) as threads:
            found = threads.map(lambda below: client.call(FindPrimes(below=below), timeout=30).count, (10, 100, 1_000, 10_000))
        print("primes below 10, 100, 1000, 10000:", *found)

        # A handler that fails answers at once, in words.
        try:
            client.call(MakeThumbnail(image=b"no picture"), timeout=30)
        except JobFailed as failed:
            print(f"failed: {failed.problem.detail}")


if __name__ == "__main__":
    main()
