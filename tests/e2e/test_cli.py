"""The command line as a person uses it: beside a real `fairway up`, told only its folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.broker import Broker
from tests.support.deployment import Deployment, deployed, eventually


@pytest.fixture(scope="module")
def up(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with broker.fresh_vhost() as own, deployed(tmp_path_factory.mktemp("home"), workers=2, broker=own) as deployment:
        yield deployment


def fairway(up: Deployment, *words: str) -> subprocess.CompletedProcess[str]:
    """`fairway` in a process of its own, which finds the web tier by what `fairway up` wrote."""
    environ = {name: value for name, value in up.environ.items() if name != "FAIRWAY_WEB_URL"}
    return subprocess.run([sys.executable, "-m", "fairway", *words], env=environ, capture_output=True, text=True, timeout=40, check=False)


def test_send_waits_and_prints_reply_and_times(up: Deployment) -> None:
    sent = fairway(up, "send", "text.count", "text=to be or not to be", "--wait", "--tag", "read-me")
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["words"] == 6
    assert re.fullmatch(r"queued \d+ ms · ran \d+ ms on worker-[12]\n", sent.stderr)


def test_send_waits_for_a_job_of_more_than_a_second(up: Deployment) -> None:
    sent = fairway(up, "send", "demo.sleep", "seconds=1.1", "--wait=20")
    assert sent.returncode == 0, sent.stderr
    assert re.search(r"ran 1\.[1-9]\d\d s on worker-[12]", sent.stderr)


def test_a_job_that_fails_is_1_and_says_why(up: Deployment) -> None:
    sent = fairway(up, "send", "image.thumbnail", "image=bm8gcGljdHVyZQ==", "--wait=30")
    assert (sent.returncode, sent.stdout) == (1, "")
    assert re.search(r"fairway: job [0-9a-f-]{36} is dead: ", sent.stderr)


def test_a_job_that_is_not_awaited_is_found_again_by_its_tag(up: Deployment) -> None:
    id = fairway(up, "send", "demo.sleep", "seconds=0", "--tag", "found-again").stdout.strip()
    eventually(lambda: up.job(id, wait=5)["state"] == "done", 10)
    found = [json.loads(line) for line in fairway(up, "jobs", "--tag", "found-again", "--json").stdout.splitlines()]
    assert [(job["id"], job["state"]) for job in found] == [(id, "done")]
    assert f"id          {id}\n" in fairway(up, "jobs", id).stdout
    assert fairway(up, "jobs", "--tag", "found-again").stdout.count(id) == 1


def test_what_does_not_fit_is_2_and_names_the_field(up: Deployment) -> None:
    sent = fairway(up, "send", "demo.sleep", "seconds=-1")
    assert sent.returncode == 2
    assert "args/seconds: " in sent.stderr
    assert fairway(up, "send", "text.count", "--queue", "nowhere", "text=x").returncode == 2


def test_queues_and_workers_are_those_of_the_deployment(up: Deployment) -> None:
    queues = {line["name"]: line for line in map(json.loads, fairway(up, "queues", "--json").stdout.splitlines())}
    assert set(queues) == {"cpu", "default", "threads"}
    assert {queue["consumers"] for queue in queues.values()} == {2}
    workers = fairway(up, "workers").stdout.splitlines()
    assert [line.split()[0] for line in workers] == ["WORKER", "worker-1", "worker-2"]
    assert [line.split()[0] for line in fairway(up, "queues").stdout.splitlines()] == ["QUEUE", "cpu", "default", "threads"]


def test_config_knows_what_up_wrote(up: Deployment) -> None:
    settings = {line["name"]: line for line in map(json.loads, fairway(up, "config", "--json").stdout.splitlines())}
    assert settings["FAIRWAY_WEB_URL"]["origin"] == ".fairway/env"
    assert settings["FAIRWAY_WEB_URL"]["value"] == up.url


def test_a_worker_by_hand_takes_jobs_under_its_name(up: Deployment) -> None:
    command = [sys.executable, "-m", "fairway", "worker", "--name", "by-hand", "--queues", "threads", "--slots", "3"]
    process = subprocess.Popen(command, env=up.environ, stdout=subprocess.DEVNULL)
    try:
        (worker,) = eventually(lambda: [worker for worker in up.workers() if worker["name"] == "by-hand"], 20)
        assert (worker["queues"], worker["slots"]) == (["threads"], {"thread": 3})
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_a_job_published_by_hand_as_the_wire_format_says_is_done(up: Deployment, broker: Broker) -> None:
    page = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text()
    message = json.loads(page.partition("publish\" -d '")[2].partition("'\n")[0])
    vhost = urlsplit(up.environ["FAIRWAY_AMQP_URL"]).path[1:]
    published = httpx2.post(f"{broker.management_url}/api/exchanges/{vhost}/fairway.jobs/publish", json=message, trust_env=False)
    assert published.json() == {"routed": True}
    id = message["properties"]["message_id"]
    eventually(lambda: up.http.get(f"/v1/jobs/{id}").status_code == 200, 10)
    job = up.job(id)
    assert (job["state"], job["reply"]["words"], job["args"]) == ("done", 2, None)
