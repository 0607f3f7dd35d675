"""Jobs for the tests of workers and clients. What a handler does is written to `place`, so that each run can be counted."""

from __future__ import annotations

from pathlib import Path

from shared.job import Job


class Echo(Job[str], name="it.echo"):
    """Return the text."""

    text: str


class Note(Job[str], name="it.note"):
    """Note the run and return."""

    place: Path


class Hold(Job[str], name="it.hold"):
    """Note the run, then wait until `release` is in `place`."""

    place: Path


class Fall(Job[str], name="it.fall"):
    """`Hold`, and then raise."""

    place: Path


class Side(Job[str], name="it.side", queue="side"):
    """`Note` from another queue that shares the loop."""

    place: Path


class Block(Job[str], name="it.block"):
    """Note the run, then block the worker's loop for so many seconds."""

    place: Path
    seconds: float


class Brief(Job[str], name="it.brief"):
    """Note the run and take a moment."""

    place: Path
    seconds: float


class Boom(Job[None], name="it.boom"):
    """Raise `ValueError`."""


class Big(Job[str], name="it.big"):
    """Return so many characters."""

    size: int


class Stain(Job[str], name="it.stain"):
    """Return what the last job left in the context, and leave something there."""

    colour: str
