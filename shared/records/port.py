"""The port of the records: what is written of a job, what can be asked, and what a store promises.

Changes come from several replicas in any order, and some of them twice, so a row is no history but a merge:

- the first `Ended` of a job wins, a later one changes nothing;
- `Accepted` says what the job *is* (type, queue, arguments, tags, creation), also of a job that has ended. A row built from an
  `Ended` alone has those from the reply. Of two `Accepted` of one job the one created first counts;
- `Started` says who runs it, unless it has ended. Of several the one that began last counts, and the highest attempt (a record
  is at attempt 1 before). Alone it makes no record: it is kept, unseen, until the job's `Accepted` or `Ended` comes.

Apart from which `Ended` came first, the order of arrival doesn't matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.envelope import Envelope, Reply, State
from shared.errors import RecordsDown
from shared.record import Record


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has the job."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Started:
    """`worker` began attempt number `attempt` at `at_ms`, in milliseconds since 1970."""

    id: str
    worker: str
    attempt: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The job came to its end. `args` (JSON) are the job's, where the teller has them: a dead letter made by the broker."""

    reply: Reply
    args: bytes | None = None


Change = Accepted | Started | Ended

Done = Callable[[RecordsDown | None], None]


@dataclass(frozen=True, slots=True)
class Query:
    """Which records; what is None is not asked for."""

    state: State | None = None
    type: str | None = None
    queue: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, newest first, and the cursor of the next page; None on the last one."""

    items: tuple[Record, ...]
    next: str | None


class Records(Protocol):
    """A store of records. Every method may be called from any thread; all but `write` wait for the store.

    Raises `RecordsDown` where the store can't be reached; it comes back by itself.
    """

    def write(self, changes: Sequence[Change], done: Done) -> None:
        """Take the changes and return at once; they become visible together.

        `done` is called exactly once, in any thread and maybe before this returns: with None when
        they are safe on the disk, with `Unstorable` when they can never be, else with `RecordsDown`.
        """
        ...

    def get(self, id: str) -> Record | None: ...

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        """Id → record, without the ids that aren't known."""
        ...

    def find(self, query: Query, cursor: str | None, limit: int) -> Page:
        """Records newest first: by creation, then by id. `cursor` is a page's `next`, None for the first page.

        Raises `ValueError` where `cursor` is no cursor or `limit` isn't 1 to 1,000.
        """
        ...

    def counts(self) -> dict[str, dict[State, int]]:
        """Queue → state → how many records; what has none is left out."""
        ...

    def changed(self) -> int:
        """A number that is another one after any commit of any process, for those who wait for a record."""
        ...

    def sweep(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` of the jobs that ended before `before_ms` (milliseconds since 1970), oldest first.

        Returns how many; goes in small steps, so that writers aren't held up.
        """
        ...

    def close(self) -> None:
        """Write what waits, then let go of the store. Whatever is written later is told `RecordsDown`."""
        ...
