"""Job types: what a class must say, and what a job of it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.job import Job


class Sum(BaseModel):
    value: int


class Add(Job[Sum], name="test.add", queue="sums"):
    one: int
    two: int = 0


class Ping(Job[None], name="test.ping"):
    pass


def test_a_job_type_knows_its_name_its_queue_and_its_reply() -> None:
    assert (Add.spec.name, Add.spec.queue) == ("test.add", "sums")
    assert Add.spec.reply.validate_json('{"value": 3}') == Sum(value=3)


def test_the_queue_is_default_unless_it_is_named() -> None:
    assert Ping.spec.queue == "default"
    assert Ping.spec.reply.dump_json(None) == b"null"


@pytest.mark.parametrize(
    ("reply", "json"),
    [(int, b"3"), (list[Sum], b'[{"value":1}]'), (dict[str, int], b'{"a":1}'), (Sum | None, b"null")],
)
def test_any_type_that_pydantic_reads_can_be_a_reply(reply: Any, json: bytes) -> None:
    class Asks(Job[reply], name="test.asks"):
        pass

    spec = Asks.spec
    assert spec.reply.dump_json(spec.reply.validate_json(json)) == json


@pytest.mark.parametrize("name", ["Add", "a..b", ".a", "a.", "a b", "ä", "a/b", "-a", "x" * 121, "a\n"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="dotted lower-case words"):
        type("Bad", (Job[None],), {}, name=name)


@pytest.mark.parametrize("queue", ["", "Mails", "a.b", "a_b", "x" * 41, "a\n", "*", "#"])
def test_a_queue_of_another_form_is_refused(queue: str) -> None:
    with pytest.raises(TypeError, match="queue="):
        type("Bad", (Job[None],), {}, name="test.bad", queue=queue)


def test_a_job_type_must_say_what_it_replies() -> None:
    with pytest.raises(TypeError, match=r"class Silent\(Job\[Reply\]"):
        type("Silent", (Job,), {}, name="test.silent")


def test_a_job_type_derived_from_another_keeps_its_reply_and_takes_its_own_name() -> None:
    class AddThree(Add, name="test.add-three"):
        three: int

    assert AddThree.spec.name == "test.add-three"
    assert AddThree.spec.queue == "default"
    assert AddThree.spec.reply.validate_json('{"value": 6}') == Sum(value=6)
    assert Add.spec.name == "test.add"


def test_a_job_refuses_unknown_arguments_and_never_changes() -> None:
    with pytest.raises(ValidationError, match="three"):
        Add.model_validate({"one": 1, "three": 3})
    job = Add(one=1)
    with pytest.raises(ValidationError, match="frozen"):
        job.one = 2  # type: ignore[misc]  # what must fail is the point
    assert job == Add(one=1, two=0)
    assert hash(job) == hash(Add(one=1))


def test_a_job_without_a_name_is_no_job_type() -> None:
    assert "spec" not in vars(Job[None])
    assert not hasattr(Job, "spec")
