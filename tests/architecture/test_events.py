"""The one list of log events: no other name is logged, and none on it is without use."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shared.log import EVENTS
from tests.architecture.sources import PRODUCT, files, tree

LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


def logged(module: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Line and event of each `log.<level>(event, ...)` of a module."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(value=receiver, attr=level), args=[event, *_]) if level in LEVELS and is_log(receiver):
                yield node.lineno, event


def is_log(receiver: ast.expr) -> bool:
    match receiver:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_") in {"log", "logger"}
        case ast.Call():  # log.bind(...).info(...), structlog.get_logger().info(...)
            return "log" in ast.unparse(receiver)
        case _:
            return False


def names(event: ast.expr) -> list[str] | None:
    """The event names that an expression can have; None where that can't be read off the source."""
    match event:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.IfExp(body=one, orelse=other):
            either = names(one), names(other)
            return None if None in either else [name for some in either if some for name in some]
        case _:
            return None


def test_every_event_is_on_the_list_and_every_one_of_it_is_used() -> None:
    calls = [(path, line, names(event)) for path in files(*PRODUCT) for line, event in logged(tree(path))]
    unread = [f"{path}:{line}" for path, line, found in calls if found is None]
    assert unread == [], "an event's name must be written where it is logged"
    assert {f"{path}:{line} {name}" for path, line, found in calls for name in found or () if name not in EVENTS} == set()
    assert {name for _, _, found in calls for name in found or ()} == EVENTS


def test_events_are_found_however_they_are_written() -> None:
    source = """
log.info("a.b")
self._log.warning("c.d" if x else "e.f", reason="g.h")
log.bind(x=1).error("i.j")
log.info(name)
other.info("k.l")
"""
    assert [names(event) for _, event in logged(ast.parse(source))] == [["a.b"], ["c.d", "e.f"], ["i.j"], None]
