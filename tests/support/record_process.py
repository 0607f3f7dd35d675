"""A process of its own that writes records, for the tests that need one: `python -m tests.support.record_process URL VERB ...`.

load NAME COUNT    COUNT jobs, a write each, as fast as they go; prints each id when it was told to be safe
end NAME COUNT     ends the jobs 0 ... COUNT-1 as the worker NAME; prints id and the worker that the record then names
fork               writes, forks, and prints what the child is told when it writes and reads
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial

from shared.errors import RecordsDown
from shared.records import Accepted, Ended, Records, open_records
from tests.support.record_writes import done, job, outcome, store


def _print(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and whole, also when the next thing is a SIGKILL


def _load(records: Records, name: str, count: int) -> None:
    left = threading.Semaphore(0)

    def told(written: str, error: RecordsDown | None) -> None:
        _print(written if error is None else f"failed: {error}")
        left.release()

    ids = [f"{name}-{number}" for number in range(count)]
    for number, each in enumerate(ids):
        records.write([Accepted(job(each, tags=(name,)))], partial(told, each))
        if number >= 50:  # a window, as a producer has one
            left.acquire()


def _end(records: Records, name: str, count: int) -> None:
    for number in range(count):
        store(records, Ended(done(str(number), worker=name)))
        record = records.get(str(number))
        _print(f"{number} {record.worker if record else None}")


def _fork(records: Records) -> None:
    store(records, Accepted(job("before")))
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    for attempt in (partial(outcome, records, Accepted(job("after"))), partial(records.get, "before"), records.changed):
        try:
            _print(f"no error: {attempt()}")
        except RecordsDown as error:
            _print(str(error))
    os._exit(0)


def _main(url: str, verb: str, *rest: str) -> None:
    records = open_records(url)
    assert records is not None
    match verb, *rest:
        case "load", name, count:
            _load(records, name, int(count))
        case "end", name, count:
            _end(records, name, int(count))
        case "fork", *_:
            _fork(records)
        case _:
            raise SystemExit(__doc__)
    records.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
