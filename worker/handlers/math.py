"""The handler of `math.primes`: keeps a core busy, so it runs in a child process."""

from __future__ import annotations

from math import isqrt

from shared.jobs.math import FindPrimes, Primes
from worker.handler import Run, handles

EVEN = 2  # the only even prime


@handles(FindPrimes, run=Run.PROCESS)
def find_primes(job: FindPrimes) -> Primes:
    """The primes below `job.below`."""
    if job.below <= EVEN:
        return Primes(count=0, largest=None, primes=[] if job.listed else None)
    odd = _sieve(job.below)
    last = odd.rfind(1)
    listed = [EVEN, *(2 * i + 1 for i, prime in enumerate(odd) if prime)] if job.listed else None
    return Primes(count=1 + odd.count(1), largest=2 * last + 1 if last > 0 else EVEN, primes=listed)


def _sieve(below: int) -> bytearray:
    """Eratosthenes on the odd numbers: byte i says whether 2 i + 1 is a prime below `below`, which is over 2."""
    odd = bytearray(b"\x01") * (below // 2)
    odd[0] = 0  # 1 is none
    for i in range(1, (isqrt(below) + 1) // 2):
        if odd[i]:
            step = 2 * i + 1
            start = step * step // 2
            odd[start::step] = bytes(len(range(start, len(odd), step)))
    return odd
