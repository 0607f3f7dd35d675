"""What answers look like, for `/openapi.json` alone: nothing is validated by these on its way out. A test
holds real answers against them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.envelope import State


class Shape(BaseModel):
    """An answer has all of its members, and no other."""

    model_config = ConfigDict(extra="forbid")


class JobProblem(Shape):
    """Why a job ended without a reply."""

    type: str = Field(description="a short name that programs may compare")
    title: str
    detail: str
    traceback: str | None = Field(None, description="the handler's own")


class Job(Shape):
    """What is known of a job. Times are in UTC."""

    id: str
    type: str
    queue: str
    priority: str
    tenant: str | None
    tags: list[str]
    state: State
    attempt: int = Field(description="counts from 1 how often the handler was allowed to fail")
    deliveries: int = Field(description="how often the broker handed the job to a worker")
    worker: str | None = Field(description="who did it, or does it")
    args: Any = Field(description="as `GET /v1/types` says for the job's type; null where they aren't known")
    reply: Any = Field(description="as `GET /v1/types` says for the job's type; null before the end, and where it has a problem")
    problem: JobProblem | None
    created: datetime
    not_before: datetime | None
    started: datetime | None
    finished: datetime | None
    attempts: list[Any]


class JobPage(Shape):
    """Jobs, newest first."""

    items: list[Job]
    next: str | None = Field(description="the cursor of the next page")


class JobType(Shape):
    """A type of job, with the JSON Schema of its arguments and of its reply."""

    type: str
    queue: str
    description: str
    args: dict[str, Any]
    reply: dict[str, Any]


class JobTypes(Shape):
    """Every type of job."""

    items: list[JobType]


class Queue(Shape):
    """A work queue."""

    name: str
    depth: int = Field(description="jobs that wait for a worker")
    in_flight: int = Field(description="jobs that run")
    consumers: int
    dead: int = Field(description="dead letters that wait for a person")
    rate: float | None = Field(description="attempts that end, a second, over the last 10 s; null where no worker says")


class Queues(Shape):
    """Every work queue."""

    items: list[Queue]


class Worker(Shape):
    """A worker that is attached."""

    name: str
    host: str
    pid: int
    version: str
    since: datetime
    policy: str
    queues: list[str]
    slots: dict[str, int] = Field(description="kind of executor → jobs at once")
    in_flight: int = Field(description="jobs that run")
    done: int
    failed: int
    share: float = Field(description="of all that the attached workers did, 0 to 1")
    stopping: bool


class Workers(Shape):
    """Every worker that is attached."""

    items: list[Worker]


class Problem(BaseModel):
    """An error as in RFC 9457. Further members depend on its type."""

    type: str = Field(description="a short name that programs may compare")
    title: str
    status: int
    detail: str


class Health(Shape):
    """All is well."""

    status: Literal["ok"]


class Outcome(Shape):
    """What became of one entry of a batch: its `id`, or its `problem`."""

    index: int
    id: str | None = None
    problem: Problem | None = None


class Outcomes(Shape):
    """One outcome for each entry, in order."""

    outcomes: list[Outcome]


PROBLEM_JSON = "application/problem+json"

# For FastAPI, instead of the errors that it would describe on its own.
FAILURES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem", "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
}
