"""Rows for accepted jobs: those accepted in one turn of the loop are written together.

A small transaction costs ten times as much for each row as one of a hundred, and each answer of the
store's thread wakes the loop; so a busy web tier gathers, and an idle one waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from shared.envelope import Envelope
from shared.errors import RecordsDown
from shared.records import Accepted, Records

LARGEST = 500  # rows of one write: it holds the store's lock meanwhile

Written = asyncio.Future[RecordsDown | None]
Row = tuple[Accepted, Written]


class Recorder:
    """Writes to `records` for the code on `loop`."""

    def __init__(self, records: Records, loop: asyncio.AbstractEventLoop) -> None:
        self._records, self._loop = records, loop
        self._gathered: list[Row] = []

    def accepted(self, envelope: Envelope) -> Written:
        """Write the row of a job that was accepted; the future tells the error, where there was one."""
        if not self._gathered:
            self._loop.call_soon(self._write)
        written: Written = self._loop.create_future()
        self._gathered.append((Accepted(envelope), written))
        return written

    def _write(self) -> None:
        gathered, self._gathered = self._gathered, []
        for first in range(0, len(gathered), LARGEST):
            group = gathered[first : first + LARGEST]
            self._records.write([change for change, _ in group], partial(self._done, group))

    def _done(self, group: Iterable[Row], error: RecordsDown | None) -> None:
        """In the store's thread."""
        try:
            self._loop.call_soon_threadsafe(_tell, group, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits


def _tell(group: Iterable[Row], error: RecordsDown | None) -> None:
    for _, written in group:
        if not written.done():
            written.set_result(error)
