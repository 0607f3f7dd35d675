"""The job types of a deployment: gathered from an explicit list of modules, never by scanning folders."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from shared.errors import NotConfigured
from shared.job import Job


class Catalogue:
    """Name → job type. Two types of one name are an error (`NotConfigured`)."""

    def __init__(self, types: Iterable[type[Job[Any]]]) -> None:
        found: dict[str, type[Job[Any]]] = {}
        for job in types:
            other = found.setdefault(job.spec.name, job)
            if other is not job:
                raise NotConfigured(f"two job types are named {job.spec.name!r}: {_place(other)} and {_place(job)}")
        self.types: Mapping[str, type[Job[Any]]] = found

    @classmethod
    def load(cls, modules: Iterable[str]) -> Catalogue:
        """Import `modules` (dotted names) and take each job type that they define.

        Raises `NotConfigured` naming FAIRWAY_JOBS where a module can't be imported.
        """
        return cls(job for name in modules for job in _defined_in(_import(name)))

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that the job types name, in alphabetic order."""
        return tuple(sorted({job.spec.queue for job in self.types.values()}))

    def near(self, name: str) -> list[str]:
        """At most three known names that look like `name`, best first."""
        return difflib.get_close_matches(name, self.types, n=3)


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise NotConfigured(f"FAIRWAY_JOBS names the module {name!r}, which can't be imported: {error}") from error


def _defined_in(module: ModuleType) -> Iterator[type[Job[Any]]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Job) and value.__module__ == module.__name__ and "spec" in value.__dict__:
            yield value


def _place(job: type[Job[Any]]) -> str:
    return f"{job.__module__}.{job.__qualname__}"
