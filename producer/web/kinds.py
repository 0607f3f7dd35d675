"""The job types as clients see them: JSON Schema of arguments and reply, made once when the app is made."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema

from shared.catalogue import Catalogue
from shared.errors import NotConfigured
from shared.job import Job


def kinds_of(catalogue: Catalogue) -> list[dict[str, Any]]:
    """One entry for each job type, by name. Raises `NotConfigured` for a type that JSON Schema can't say."""
    return [_kind(catalogue.types[name]) for name in sorted(catalogue.types)]


def _kind(job: type[Job[Any]]) -> dict[str, Any]:
    spec = job.spec
    try:
        args, reply = job.model_json_schema(), spec.reply.json_schema(mode="serialization")
    except PydanticInvalidForJsonSchema as error:
        raise NotConfigured(f"job type {spec.name!r} can't be shown to clients: {error.message}") from error
    return {"type": spec.name, "queue": spec.queue, "description": inspect.getdoc(job) or "", "args": args, "reply": reply}
