"""Everything that can go wrong here, as one tree, and how an error travels: as words.

FairwayError
├── BrokerDown          the broker is away or blocked; the job was certainly not accepted
├── NotAccepted         the broker refused the job, or no queue takes it
├── OutcomeUnknown      the job may or may not have been accepted; carries its id
├── TopologyMissing     a queue or an exchange that should be there is not
├── TopologyDiffers     a queue or an exchange is there, but otherwise than it should be
├── Unreadable          bytes that are not a job or a reply of ours
├── TooLarge            a body or headers over their limit
├── JobFailed           the job ended without a reply; carries its `Problem`
├── NoReplyInTime       the caller's deadline passed; the job itself goes on
├── NoRecords           the records were asked, but this client was not given any
├── RecordsDown         the store of records can't be reached
│   └── Unstorable      this can never be recorded, whatever the store's state
├── NotConfigured       a setting is missing or wrong
└── Reject              raised by a handler: this job can never succeed
"""

from __future__ import annotations

import traceback as tracebacks
from dataclasses import dataclass

from pydantic import TypeAdapter

LONGEST_DETAIL, LONGEST_TRACEBACK = 4_000, 16_000  # characters


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it travels: never a pickled exception, always words (members as in RFC 9457).

    `type` is a short name that programs may compare (`timeout`, `unknown_type`, or the name of the
    exception's class), `title` a fixed sentence for it, `detail` what happened this time, and
    `traceback` the handler's own, where there was one.
    """

    type: str
    title: str
    detail: str = ""
    traceback: str | None = None

    def __post_init__(self) -> None:
        # A lone surrogate (of a file's name in an error, say) is no UTF-8: the problem couldn't be sent.
        for name in ("type", "title", "detail", "traceback"):
            if text := getattr(self, name):
                object.__setattr__(self, name, text.encode("utf-8", "backslashreplace").decode())

    @classmethod
    def of(cls, error: BaseException) -> Problem:
        """The words for an exception that a handler raised, traceback included."""
        return cls.raised(type(error).__name__, str(error), "".join(tracebacks.format_exception(error)))

    @classmethod
    def raised(cls, name: str, detail: str, traceback: str) -> Problem:
        """The words for an exception of class `name`; long ones are cut so that they can travel."""
        return cls(name, f"The handler raised {name}.", detail[:LONGEST_DETAIL], traceback[-LONGEST_TRACEBACK:])


PROBLEM: TypeAdapter[Problem] = TypeAdapter(Problem)


class FairwayError(Exception):
    """The root of the tree above."""


class BrokerDown(FairwayError):
    """The broker is away or blocked; what was to be published was certainly not accepted."""


class NotAccepted(FairwayError):
    """The broker refused the job (nack), or no queue takes it (unroutable)."""


class OutcomeUnknown(FairwayError):
    """The confirm did not come: the job `id` may or may not have been accepted."""

    def __init__(self, reason: str, id: str) -> None:
        super().__init__(f"{reason}; job {id} may or may not have been accepted")
        self.id = id


class TopologyMissing(FairwayError):
    """A queue or an exchange that should be there is not; the message says how to make it."""


class TopologyDiffers(FairwayError):
    """A queue or an exchange is there with other arguments; the message names it, the argument and the way out."""


class Unreadable(FairwayError):
    """Bytes or properties that are not a job or a reply of ours."""


class TooLarge(FairwayError):
    """A body or headers over the limit of the settings."""


class JobFailed(FairwayError):
    """The job ended without a reply."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.type}: {problem.detail or problem.title}")
        self.problem = problem


class NoReplyInTime(FairwayError):
    """The caller's deadline passed before the reply came. The job itself goes on."""


class NoRecords(FairwayError):
    """The state of a job was asked of a client that was given no records."""


class RecordsDown(FairwayError):
    """The store of records can't be reached or can't write."""


class Unstorable(RecordsDown):
    """The changes can never be recorded, whatever the store's state: to try them again is of no use."""


class NotConfigured(FairwayError):
    """A setting is missing or wrong; the message names it."""


class Reject(FairwayError):
    """Raised by a handler: this job can never succeed, so it is dead at once."""
