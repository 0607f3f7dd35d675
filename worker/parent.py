"""The parent as its child sees it: frames over the pipe, and further jobs submitted through it."""

from __future__ import annotations

import os
import threading
from typing import Any

from shared.errors import BrokerDown, FairwayError, NotAccepted, NotConfigured, OutcomeUnknown, TooLarge, TopologyMissing
from shared.job import Job
from worker.frames import LENGTHS, Frame, NotSubmitted, Submit, Submitted, pack, unpack

_ERRORS = {kind.__name__: kind for kind in (BrokerDown, NotAccepted, NotConfigured, TooLarge, TopologyMissing, ValueError)}


class Parent:
    """The child's end of the pipe. Only this process holds it: what it starts or forks does not,
    or the parent wouldn't see this process end.
    """

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # noqa: FBT003
        os.register_at_fork(after_in_child=self._let_go)
        # The file doesn't own the descriptor, which stays open to the process's very end: that is what its closing says.
        self._fd, self._file = fd, os.fdopen(fd, "rb", closefd=False)
        self._asking = threading.Lock()

    def receive(self) -> Frame | None:
        """The next frame, or None where the parent has closed the pipe."""
        try:
            lengths = self._file.read(LENGTHS.size)
            head, body = LENGTHS.unpack(lengths) if len(lengths) == LENGTHS.size else (0, 0)
            return unpack(self._file.read(head), self._file.read(body)) if head else None
        except ConnectionError:
            return None

    def send(self, frame: Frame) -> None:
        """Write the whole frame. Raises `ConnectionError` where the parent has closed the pipe."""
        rest = memoryview(pack(frame))
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def submit(self, job: Job[Any], queue: str | None, tags: tuple[str, ...]) -> str:
        """Have the parent submit `job`; its id. Raises what the parent's Link raised. Safe in any thread."""
        kind = type(job)
        with self._asking:
            self.send(Submit(kind.__module__, kind.__qualname__, queue, list(tags), job.model_dump_json().encode()))
            answer = self.receive()
        match answer:
            case Submitted(id):
                return id
            case NotSubmitted() as refusal:
                raise _error(refusal)
            case _:
                raise ConnectionError("the worker is gone")

    def _let_go(self) -> None:
        # Replaced, not closed: whoever closes the number once more would hit another file.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._fd, inheritable=False)
        os.close(nothing)


def _error(refusal: NotSubmitted) -> Exception:
    if refusal.error == OutcomeUnknown.__name__:
        error = OutcomeUnknown("", refusal.id)
        error.args = (refusal.detail,)
        return error
    kind = _ERRORS.get(refusal.error)
    return kind(refusal.detail) if kind else FairwayError(f"{refusal.error}: {refusal.detail}")
