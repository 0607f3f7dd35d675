"""`/openapi.json` says what is so, and `/docs` needs nothing but this replica."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from producer.web import shapes
from tests.support.broker import Broker
from tests.support.web import Replica, deployed, settings_of

GREET = {"type": "test.greet", "args": {"name": "Ada"}}


@pytest.fixture
async def web(broker: Broker, tmp_path: Path) -> AsyncIterator[Replica]:
    async with deployed(settings_of(broker, tmp_path)) as found:
        yield found


@pytest.fixture
async def document(web: Replica) -> dict[str, Any]:
    return dict((await web.http.get("/openapi.json")).json())


def references(value: Any) -> set[str]:
    match value:
        case dict():
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(inner) for inner in value.values()))
        case list():
            return set().union(*(references(inner) for inner in value))
        case _:
            return set()


async def test_every_route_is_described_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {path: set(verbs) for path, verbs in document["paths"].items()} == {
        "/v1/jobs": {"get", "post"},
        "/v1/jobs/batch": {"post"},
        "/v1/jobs/{id}": {"get"},
        "/v1/types": {"get"},
        "/v1/queues": {"get"},
        "/v1/workers": {"get"},
        "/livez": {"get"},
        "/readyz": {"get"},
    }
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_arguments_of_each_type_are_typed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    submission = schemas["Submission"]
    mapping = submission["discriminator"]["mapping"]
    assert submission["discriminator"]["propertyName"] == "type"
    assert set(mapping) == {"test.greet", "test.count"}
    assert {one["$ref"] for one in submission["oneOf"]} == set(mapping.values())
    count = schemas[mapping["test.count"].rpartition("/")[2]]
    assert count["additionalProperties"] is False
    assert count["properties"]["type"]["const"] == "test.count"
    args = schemas[count["properties"]["args"]["$ref"].rpartition("/")[2]]
    assert args["properties"]["to"]["type"] == "integer"


async def test_the_examples_of_the_docs_are_taken(web: Replica, document: dict[str, Any]) -> None:
    examples = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"test.greet", "test.count"}
    for example in examples.values():
        assert (await web.http.post("/v1/jobs", json=example["value"])).status_code == 202


async def test_answers_have_the_shape_that_is_described(web: Replica) -> None:
    job = (await web.http.post("/v1/jobs", json=GREET)).text
    assert shapes.Job.model_validate_json(job).state == "queued"
    outcomes = (await web.http.post("/v1/jobs/batch", json=[GREET, 3])).text
    assert len(shapes.Outcomes.model_validate_json(outcomes).outcomes) == 2
    assert len(shapes.JobPage.model_validate_json((await web.http.get("/v1/jobs")).text).items) == 2
    assert len(shapes.JobTypes.model_validate_json((await web.http.get("/v1/types")).text).items) == 2
    assert len(shapes.Queues.model_validate_json((await web.http.get("/v1/queues")).text).items) == 2
    shapes.Problem.model_validate_json((await web.http.get("/nowhere")).text)
    shapes.Health.model_validate_json((await web.http.get("/readyz")).text)


async def test_the_docs_come_from_this_replica_alone(web: Replica) -> None:
    page = await web.http.get("/docs")
    policy = page.headers["content-security-policy"]
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "http" not in policy
    loaded = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert len(loaded) == 4
    for address in loaded:
        if not address.startswith("data:"):
            found = await web.http.get(f"/{address}")
            assert (found.status_code, bool(found.content)) == (200, True), address
    assert (await web.http.get("/docs/assets/swagger-ui/LICENSE")).status_code == 200
    assert (await web.http.get("/docs/assets/%2e%2e/app.py")).status_code == 404
