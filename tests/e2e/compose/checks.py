"""What deploy/docker-compose.yml promises, asked of the real thing: `make compose-test`.

No `test_` in the name of this file, so that a run of all tests doesn't need Docker.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.e2e.compose.stack import Stack, until

pytestmark = pytest.mark.timeout(300)

WORK = "fairway.q."


def test_each_service_is_there_and_none_had_to_start_twice(stack: Stack) -> None:
    healthy = Counter(container.service for container in stack.containers() if container.health == "healthy")
    assert healthy == {"rabbitmq": 1, "web": 2, "nginx": 1, "worker": 4}
    assert {container.service for container in stack.containers() if container.state == "exited"} == {"credentials", "topology"}
    assert stack.restarts() == 0


def test_jobs_are_taken_by_both_replicas_and_done_by_all_four_workers(stack: Stack) -> None:
    jobs = [job for _ in range(25) for job in stack.submit("demo.sleep", 4, seconds=0.5)]
    assert len(stack.submitted_by) == 2
    records = [stack.finished(job) for job in jobs]
    assert {record["state"] for record in records} == {"done"}
    workers = {worker["name"] for worker in stack.web.get("v1/workers").raise_for_status().json()["items"]}
    assert len(workers) == 4
    assert {record["worker"] for record in records} == workers


def test_any_replica_knows_a_job_that_another_took(stack: Stack) -> None:
    answer = stack.web.post("v1/jobs", json={"type": "text.count", "args": {"text": "two words"}})
    assert answer.status_code == httpx2.codes.ACCEPTED
    job = answer.json()["id"]
    assert stack.finished(job)["state"] == "done"
    told = [stack.web.get(f"v1/jobs/{job}").raise_for_status() for _ in range(40)]
    assert {each.json()["state"] for each in told} == {"done"}
    assert len({each.headers["X-Served-By"] for each in told}) == 2


def test_the_admin_ui_names_connections_consumers_and_queues(stack: Stack) -> None:
    def named() -> bool:
        names = Counter(_first_words(str(each.get("user_provided_name"))) for each in stack.admin("connections"))
        return names["fairway worker"] >= 4 and names["fairway web"] >= 2 and set(names) <= {"fairway worker", "fairway web"}

    until(named, "each connection says whose it is", 30)
    consumers = [each for each in stack.admin("consumers") if each["queue"]["name"].startswith(WORK)]
    assert len(consumers) >= 4
    for each in consumers:
        assert re.fullmatch(re.escape(each["queue"]["name"]) + r"@[0-9a-f]{12}:\d+", each["consumer_tag"])
    types = {queue["name"]: queue["type"] for queue in stack.admin("queues") if queue["name"].startswith(WORK)}
    assert types
    assert set(types.values()) == {"quorum"}


def _first_words(name: str) -> str:
    return " ".join(name.split()[:2])


def test_nobody_logs_in_as_guest(stack: Stack) -> None:
    refused = httpx2.get(f"{stack.admin_url}api/whoami", auth=("guest", "guest"), trust_env=False)
    assert refused.status_code == httpx2.codes.UNAUTHORIZED
    user, password = stack.login()
    assert [each["name"] for each in stack.admin("users")] == [user]
    assert password not in stack.compose("logs", "--no-color")


def test_waiting_jobs_outlive_the_containers_and_show_as_depth(stack: Stack) -> None:
    login = stack.login()
    stack.compose("stop", "worker")
    stopped = [container.exit_code for container in stack.containers() if container.service == "worker"]
    assert stopped == [0] * 4
    jobs = stack.submit("text.count", 25, text="kept")
    until(lambda: 25 in [queue.get("messages_ready") for queue in stack.admin("queues")], "the depth is 25", 30)
    stack.compose("down", "--timeout", "10")
    stack.up()
    stack.wait_healthy(90)
    assert stack.login() == login
    assert {stack.finished(job)["state"] for job in jobs} == {"done"}


def test_own_jobs_come_from_a_mounted_folder(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    tmp_path.chmod(0o755)  # the container's user is another one
    stack.up("own-jobs.yml", MODULES=str(tmp_path), FAIRWAY_JOBS="mine", FAIRWAY_HANDLERS="mine")
    stack.wait_healthy(90)
    [job] = stack.submit("own.double", 1, number=21)
    assert stack.finished(job)["reply"] == 42


MINE = """
from shared.job import Job
from worker.handler import handles

class Double(Job[int], name="own.double", queue="own"):
    number: int

@handles(Double)
def double(job: Double) -> int:
    return job.number * 2
"""
