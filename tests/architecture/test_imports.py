"""Who may know whom, where an allow-list says it shorter than the contracts of pyproject.toml (`lint-imports` checks those)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache

import grimp
import pytest

from tests.architecture.sources import PRODUCT, ROOT

PYDANTIC = {"pydantic", "pydantic_core"}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PRODUCT, include_external_packages=True, cache_dir=None)


def ours(module: str) -> bool:
    return module.partition(".")[0] in PRODUCT


def library(module: str) -> bool:
    return not ours(module) and module.partition(".")[0] not in sys.stdlib_module_names


def imported(below: str, keep: Callable[[str], bool]) -> set[str]:
    """What the modules of a package import directly from without it, as far as `keep` says."""
    inside = {below, *graph().find_descendants(below)}
    return {name for module in inside for name in graph().find_modules_directly_imported_by(module) if name not in inside and keep(name)}


def test_job_types_know_what_a_job_is_and_pydantic() -> None:
    assert imported("shared.jobs", ours) <= {"shared.job"}
    assert imported("shared.jobs", library) <= PYDANTIC


def test_handlers_know_their_jobs_and_how_to_declare_themselves() -> None:
    known = {name for name in imported("worker.handlers", ours) if not name.startswith("shared")}
    assert known <= {"worker.handler", "worker.hooks", "worker.context"}


def test_the_contract_of_a_handler_knows_nothing_of_the_worker_that_runs_it() -> None:
    for module in ("worker.handler", "worker.hooks", "worker.context"):
        assert {name for name in imported(module, ours) if name.startswith("worker")} <= {"worker.handler"}


def test_the_core_knows_pydantic_alone() -> None:
    for module in ("shared.job", "shared.envelope", "shared.errors", "shared.message", "shared.wire", "shared.record", "shared.ids"):
        assert imported(module, library) <= PYDANTIC, module
    assert imported("shared.topology", library) == set()


def test_no_two_modules_import_each_other() -> None:
    for package in PRODUCT:
        knots = {
            (importer, other)
            for importer in graph().find_descendants(package)
            for other in graph().find_modules_directly_imported_by(importer)
            if ours(other) and graph().chain_exists(importer=other, imported=importer)
        }
        assert knots == set()


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("producer.aio", ["fastapi", "starlette", "uvicorn", "worker", "PIL"]),
        ("producer.blocking", ["fastapi", "starlette", "uvicorn", "worker", "PIL"]),
        ("producer.web", ["worker", "PIL"]),
        ("worker.__main__", ["producer", "fastapi", "starlette", "uvicorn", "PIL"]),
        ("shared.jobs.text", ["pika", "aio_pika", "structlog", "worker", "producer"]),
        ("shared.jobs.image", ["PIL"]),
        ("fairway.cli", ["fastapi", "starlette", "uvicorn", "pika", "aio_pika", "producer", "worker"]),
    ],
)
def test_a_process_loads_only_what_it_needs(module: str, never: list[str]) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert set(never) & set(loaded.stdout.split()) == set()
