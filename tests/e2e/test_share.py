"""The main job, from outside: HTTP in, four workers, every job done, the load spread over whoever is attached."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from PIL import Image

from tests.support.broker import Broker
from tests.support.deployment import Deployment, deployed, eventually

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def four(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with broker.fresh_vhost() as fresh, deployed(tmp_path_factory.mktemp("four"), workers=4, broker=fresh) as deployment:
        yield deployment


def picture(number: int) -> str:
    """A PNG made here, base64."""
    out = io.BytesIO()
    Image.linear_gradient("L").rotate(number * 9).resize((400, 300)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def shares(records: list[dict[str, Any]]) -> dict[str, float]:
    counted = Counter(record["worker"] for record in records)
    return {worker: count / len(records) for worker, count in counted.items()}


def moment(record: dict[str, Any], member: str) -> float:
    return datetime.fromisoformat(record[member]).timestamp()


def test_a_thousand_texts_and_forty_pictures_all_succeed(four: Deployment) -> None:
    texts = [{"type": "text.count", "args": {"text": f"job number {number}"}} for number in range(1000)]
    pictures = [{"type": "image.thumbnail", "args": {"image": picture(number), "width": 64, "height": 64}} for number in range(40)]
    records = four.ended(four.batch(texts + pictures), within=120)
    assert Counter(record["state"] for record in records) == {"done": 1040}
    assert all(record["reply"]["words"] == 3 for record in records[:1000])
    assert {(record["deliveries"], record["attempt"]) for record in records} == {(1, 1)}
    attached = {worker["name"]: worker for worker in four.workers()}
    assert sorted(attached) == ["worker-1", "worker-2", "worker-3", "worker-4"]
    eventually(lambda: sum(worker["done"] for worker in four.workers()) >= 1040, 5)
    assert sum(worker["share"] for worker in four.workers()) == pytest.approx(1.0, abs=0.01)


def test_no_worker_has_less_than_a_fifth_of_jobs_of_equal_length(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> None:
    with broker.fresh_vhost() as fresh, deployed(tmp_path_factory.mktemp("equal"), workers=4, broker=fresh, FAIRWAY_SLOTS="4") as four:
        ids = four.batch([{"type": "demo.sleep", "args": {"seconds": 0.1}}] * 400)
        share = shares(four.ended(ids, within=60))
        assert len(share) == 4
        assert min(share.values()) >= 0.2, share
        joined = four.batch([{"type": "demo.sleep", "args": {"seconds": 0.1}}] * 800)
        with four.worker("worker-5", FAIRWAY_SLOTS="4") as fifth:
            assert fifth.stdout is not None
            ready = next(line for line in map(json.loads, fifth.stdout) if line["event"] == "worker.ready")
            records = four.ended(joined, within=90)
        taken = [moment(record, "started") for record in records if record["worker"] == "worker-5"]
        assert taken, "the fifth worker took nothing"
        assert min(taken) - datetime.fromisoformat(ready["timestamp"]).timestamp() < 2.0


def test_short_jobs_end_while_a_long_one_runs(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> None:
    with broker.fresh_vhost() as fresh, deployed(tmp_path_factory.mktemp("two"), workers=2, broker=fresh, FAIRWAY_SLOTS="1") as two:
        long = two.submit("demo.sleep", {"seconds": 10})
        eventually(lambda: two.job(long)["state"] == "running", 10)
        short = two.ended(two.batch([{"type": "demo.sleep", "args": {"seconds": 0.05}}] * 100), within=30)
        assert two.job(long)["state"] == "running"
        assert {record["state"] for record in short} == {"done"}
        (record,) = two.ended([long], within=15)
        assert record["state"] == "done"
        assert max(moment(other, "finished") for other in short) < moment(record, "finished")


def test_a_web_answer_says_who_gave_it(four: Deployment) -> None:
    assert four.http.get("/v1/types").headers["X-Served-By"] == "web"


def test_a_caller_may_wait_for_the_reply(four: Deployment) -> None:
    answer = four.http.post("/v1/jobs", json={"type": "text.count", "args": {"text": "one two"}}, headers={"Prefer": "wait=10"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.json()["state"] == "done"
    assert answer.json()["reply"]["words"] == 2
