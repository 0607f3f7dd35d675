"""The submit routes in OpenAPI, by hand: FastAPI describes its own routes, and these are raw ones."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from producer.web.body import JSON, NDJSON
from producer.web.examples import examples_of
from producer.web.shapes import PROBLEM_JSON, Outcomes, Problem
from producer.web.tier import Tier

PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N`: hold the answer for at most N seconds, and answer with the finished job where it ends in time (RFC 7240)",
    "schema": {"type": "string", "pattern": "wait=[0-9]+"},
}

Schema = dict[str, Any]


def describe(app: FastAPI, tier: Tier) -> None:
    """Have `app` describe the submit routes too."""
    describe_own = app.openapi

    def openapi() -> Schema:
        document = describe_own()
        if "post" not in document["paths"]["/v1/jobs"]:
            _add(document, tier)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's "Extending OpenAPI" does it


def _add(document: Schema, tier: Tier) -> None:
    schema, definitions = tier.intake.schema()
    outcomes = TypeAdapter(Outcomes).json_schema(ref_template="#/components/schemas/{model}")
    schemas = document["components"]["schemas"]
    schemas.update({**definitions, "Submission": schema, **outcomes.pop("$defs"), "Outcomes": outcomes})
    paths = document["paths"]
    first = {"/v1/jobs": {"post": _submit(examples_of(tier.kinds)), **paths["/v1/jobs"]}, "/v1/jobs/batch": {"post": _submit_batch()}}
    document["paths"] = {**first, **paths, **first}  # a page shows them in this order, and what one does first is to submit


def _submit(examples: Schema) -> Schema:
    job = {"content": {JSON: {"schema": _ref("Job")}}}
    location = {"Location": {"description": "the job", "schema": {"type": "string"}}}
    return {
        "tags": ["jobs"],
        "summary": "Submit a job",
        "operationId": "submit",
        "parameters": [PREFER],
        "requestBody": {"required": True, "content": {JSON: {"schema": _ref("Submission"), "examples": examples}}},
        "responses": {
            "202": {"description": "Accepted: the broker has the job safe", "headers": location, **job},
            "200": {"description": "Ended within the time that `Prefer: wait` gave it", "headers": location, **job},
            **_problems(400, 413, 415, 422, 503),
        },
    }


def _submit_batch() -> Schema:
    array = {"type": "array", "items": _ref("Submission")}
    return {
        "tags": ["jobs"],
        "summary": "Submit many jobs",
        "description": "Not atomic: each entry has an outcome of its own. NDJSON is published as it comes in.",
        "operationId": "submit_batch",
        "requestBody": {"required": True, "content": {JSON: {"schema": array}, NDJSON: {"schema": _ref("Submission")}}},
        "responses": {
            "202": {"description": "An outcome for each entry", "content": {JSON: {"schema": _ref("Outcomes")}}},
            **_problems(400, 413, 415, 422, 503),
        },
    }


def _problems(*statuses: int) -> Schema:
    return {str(status): _problem_response(REASONS[status]) for status in statuses}


def _problem_response(description: str) -> Schema:
    return {"description": description, "content": {PROBLEM_JSON: {"schema": _ref(Problem.__name__)}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


REASONS = {
    400: "No valid JSON",
    413: "Over the size limit",
    415: "Another content type",
    422: "Unknown type, or something that does not fit or is not built yet; `errors` says where",
    503: "The broker is away, blocked or unknown; try again after `Retry-After` seconds",
}
