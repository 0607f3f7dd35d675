"""The command line of a test: `fairway` in this process, with an environment of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from fairway.cli import cli


@contextmanager
def bare_environment(**values: str) -> Iterator[None]:
    """No FAIRWAY_* but these, for as long as the block lasts; whatever is set in it is forgotten after it."""
    before = dict(os.environ)
    for name in before:
        if name.upper().startswith("FAIRWAY_") or name == "NO_COLOR":
            del os.environ[name]
    os.environ.update({"FAIRWAY_HOME": "/nowhere"} | values)  # of a `fairway up` in this folder a test knows nothing
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def fairway(*words: str, typed: str | None = None, colours: bool = False) -> Result:
    """Run `fairway` with these words, `typed` on its standard input; as on a terminal where `colours`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path[:])  # the folder where it was called goes into it
        return CliRunner().invoke(cli, words, input=typed, color=colours, catch_exceptions=False)
