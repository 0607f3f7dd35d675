"""From the bytes of a request to a typed job, in one pass: JSON is read once, straight into the job type.

A submission is a tagged union over the job types of the catalogue, built when the app is made; its JSON
Schema is what `/openapi.json` shows.
"""

from __future__ import annotations

import json
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError, create_model
from pydantic_core import CoreSchema, core_schema, from_json, to_json

from producer.web.answers import HttpProblem
from producer.web.misfit import malformed, misfit
from shared.catalogue import Catalogue
from shared.errors import NotConfigured
from shared.job import Job
from shared.submission import MOST_TAGS
from shared.wire import TAG

_ENTRIES: TypeAdapter[list[Any]] = TypeAdapter(list[Any])
Tag = Annotated[str, Field(pattern=f"^{TAG.pattern}$")]


class Submission(BaseModel):
    """What a client asks for; each job type has a subclass of its own, with its arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    args: Job[Any]
    queue: str | None = Field(None, description="instead of the job type's own")
    tags: tuple[Tag, ...] = Field((), max_length=MOST_TAGS, description="labels to find the job by")


class Intake:
    """Reads submissions. Raises `NotConfigured` where there are no job types, or one without a JSON Schema."""

    def __init__(self, catalogue: Catalogue) -> None:
        if not catalogue.types:
            raise NotConfigured("FAIRWAY_JOBS names no job type, so there is nothing to submit")
        self._catalogue = catalogue
        submission = _union(catalogue)
        many: Any = GenericAlias(list, (submission,))
        self._one: TypeAdapter[Submission] = TypeAdapter(submission)
        self._many: TypeAdapter[list[Submission]] = TypeAdapter(many)

    def one(self, body: bytes) -> Submission:
        """Raises `HttpProblem`: 400 for what is no JSON, 422 for what doesn't fit."""
        try:
            return self._one.validate_json(body)
        except ValidationError as error:
            raise misfit(error.errors(include_url=False, include_input=False), self.document(body), self._catalogue) from None

    def many(self, body: bytes) -> list[Submission | HttpProblem]:
        """One entry for each of a JSON array, in order. Raises `HttpProblem` where it isn't such an array."""
        try:
            return list(self._many.validate_json(body))
        except ValidationError:
            document = self.document(body)
        try:
            entries = _ENTRIES.validate_python(document)
        except ValidationError:
            raise HttpProblem(422, "invalid_job", "The batch is no JSON array.", "the body must be a JSON array of jobs") from None
        return [self._entry(to_json(entry)) for entry in entries]

    def _entry(self, text: bytes) -> Submission | HttpProblem:
        try:
            return self.one(text)
        except HttpProblem as problem:
            return problem

    def document(self, body: bytes) -> Any:
        """The JSON value in `body`. Raises `HttpProblem` (400) where it is none.

        Neither is what pydantic reads beyond JSON: NaN, Infinity, and numbers that overflow into it.
        """
        try:
            document = from_json(body)
            json.dumps(document, allow_nan=False)
        except ValueError as error:
            raise malformed(str(error)) from None
        return document

    def check_finite(self, args: bytes, body: bytes) -> None:
        """Raises `HttpProblem` (400) where a number got lost: an infinite one is written as null into `args`."""
        if b"null" in args:
            self.document(body)

    def schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The JSON Schema of a submission, and the definitions that it refers to, for OpenAPI.

        Their names begin with `jobs.`, so that a class of a deployment may be called as one of ours.
        """
        schema = self._one.json_schema(ref_template="#/components/schemas/jobs.{model}")
        return schema, {f"jobs.{name}": definition for name, definition in schema.pop("$defs", {}).items()}


def _union(catalogue: Catalogue) -> Any:
    queues = catalogue.queues
    models = {name: _model(name, job, queues) for name, job in catalogue.types.items()}

    class AnySubmission:
        @classmethod
        def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
            return core_schema.tagged_union_schema({name: handler(model) for name, model in models.items()}, discriminator="type")

    return AnySubmission


def _model(name: str, job: type[Job[Any]], queues: tuple[str, ...]) -> type[Submission]:
    queue: Any = Literal[queues]
    fields: dict[str, Any] = {
        "type": (Literal[name], ...),
        "args": (job, ...),
        "queue": (queue | None, Field(None, description=f"instead of the job type's own, {job.spec.queue}")),
    }
    return create_model(f"{job.__name__}Submission", __base__=Submission, __doc__=job.__doc__, **fields)
