"""A child process: `python -m worker.child FD` runs the handlers it is told to over the pipe FD, one job
at a time, until the pipe closes.
"""

from __future__ import annotations

import contextvars
import faulthandler
import io
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from types import FrameType

from shared.envelope import Envelope
from shared.errors import Reject
from shared.log import configure, current_attempt
from worker.context import Context
from worker.executor import HandlerFailed
from worker.frames import Answer, Done, Failed, Ready, Rejected, Run, Start, TooLong
from worker.handler import MARK, Handler
from worker.lifeline import end_with
from worker.modules import Modules
from worker.parent import Parent


def main(fd: int) -> None:
    """Say `Ready`, answer each `Run`, and run the stop hooks when the pipe is closed."""
    _leave_signals_to_the_parent()
    parent = Parent(fd)
    start = parent.receive()
    if not isinstance(start, Start):
        return
    _begin(start)
    modules = Modules()
    with suppress(ConnectionError):  # the parent is gone
        first = _load(start.modules, modules)
        parent.send(first)
        while first == Ready() and isinstance(run := parent.receive(), Run):
            parent.send(contextvars.copy_context().run(_attempt, run, start, modules, parent))
    modules.stop()


def _begin(start: Start) -> None:
    end_with(start.parent)
    with suppress(OSError):  # Linux: when memory runs out, let it be a child's handler that goes, not the worker
        Path("/proc/self/oom_score_adj").write_text("500")
    sys.path[:] = start.path
    faulthandler.enable()  # a crash in C says where it was
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # pyright: ignore[reportUnknownMemberType] - a handler's own lines outlive a kill
    configure(start.log, start.log_level)


def _load(names: Iterable[str], modules: Modules) -> Ready | Failed:
    try:
        for name in names:
            modules.load(name)
    except BaseException as error:  # noqa: BLE001 - whatever keeps it from starting is the parent's to tell
        return _failed(error)
    return Ready()


def _leave_signals_to_the_parent() -> None:
    # Handled, not ignored: what a handler starts would inherit an ignored signal, and couldn't be terminated.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _heard)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Nothing to do: the parent decides."""


def _attempt(run: Run, start: Start, modules: Modules, parent: Parent) -> Answer:
    envelope = Envelope(run.id, run.type, run.queue, run.body, run.created, run.attempt, tags=tuple(run.tags))
    current_attempt.set(Context(envelope, start.worker, submit_blocking=parent.submit))
    try:
        function = attrgetter(run.function)(modules.load(run.module))
        handler: Handler = getattr(function, MARK)
        reply = handler.invoke(run.body)
    except Reject as error:
        return Rejected(str(error))
    except BaseException as error:  # noqa: BLE001 - `sys.exit()` of a handler is its failure, not the child's end
        return _failed(error)
    return Done(reply) if len(reply) <= start.limit else TooLong(len(reply))


def _failed(error: BaseException) -> Failed:
    words = HandlerFailed.of(error)
    return Failed(words.name, words.detail, words.traceback)


if __name__ == "__main__":
    main(int(sys.argv[1]))
