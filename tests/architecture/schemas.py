"""The JSON Schema of arguments and reply of each sample job, as text, and where it is kept.

`python -m tests.architecture.schemas` writes the files anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.catalogue import Catalogue
from shared.job import Job
from shared.settings import Settings

FOLDER = Path(__file__).parent / "golden"


def schemas(settings: Settings) -> dict[str, str]:
    """Name → document, for each job type of these settings."""
    types = Catalogue.load(settings.jobs).types
    return {name: json.dumps(_contract(job), indent=2, ensure_ascii=False) + "\n" for name, job in types.items()}


def _contract(job: type[Job[Any]]) -> dict[str, Any]:
    return {
        "name": job.spec.name,
        "queue": job.spec.queue,
        "arguments": job.model_json_schema(mode="validation"),
        "reply": job.spec.reply.json_schema(mode="serialization"),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, text in schemas(Settings.model_construct()).items():
        (FOLDER / f"{name}.json").write_text(text)
