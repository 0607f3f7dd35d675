"""The sample jobs: each has exactly one handler, and its schema is what the files in `golden` say.

Callers and jobs that wait on a queue depend on these schemas, so a change of one shall be seen in review.
To accept a change: `python -m tests.architecture.schemas`, then commit the files.
"""

from __future__ import annotations

import pytest

from shared.catalogue import Catalogue
from shared.settings import Settings
from tests.architecture.schemas import FOLDER, schemas
from worker.registry import Registry

DEFAULTS = Settings.model_construct()


def test_each_job_type_has_exactly_one_handler() -> None:
    catalogue, registry = Catalogue.load(DEFAULTS.jobs), Registry.load(DEFAULTS.handlers)
    assert {handler.name: handler.job for handler in registry} == catalogue.types  # two of one name are an error of `load`
    assert set(registry.runs) == set(catalogue.queues)


@pytest.mark.parametrize("name", sorted(Catalogue.load(DEFAULTS.jobs).types))
def test_the_schema_of_a_job_type_is_the_one_that_was_reviewed(name: str) -> None:
    assert schemas(DEFAULTS)[name] == (FOLDER / f"{name}.json").read_text()


def test_no_schema_is_kept_of_a_job_type_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(schemas(DEFAULTS))
