"""A request becomes a typed job or a problem that says where it doesn't fit; nothing else ever happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.web.answers import HttpProblem
from producer.web.intake import Intake
from shared.catalogue import Catalogue
from shared.errors import NotConfigured
from shared.submission import seal
from tests.support.web_jobs import Count, Greet

INTAKE = Intake(Catalogue([Greet, Count]))


def body(**members: Any) -> bytes:
    return json.dumps({"type": "test.greet", "args": {"name": "Ada"}, **members}).encode()


def problem_of(text: bytes) -> dict[str, Any]:
    with pytest.raises(HttpProblem) as found:
        INTAKE.one(text)
    return found.value.members


def pointers(text: bytes) -> list[str]:
    return [error["pointer"] for error in problem_of(text)["errors"]]


def test_a_submission_is_the_job_itself() -> None:
    submission = INTAKE.one(body(queue="back", tags=["a:1", "b"]))
    assert submission.args == Greet(name="Ada")
    assert (submission.queue, submission.tags) == ("back", ("a:1", "b"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"type": "test.greet", "args": {"name": "Ada"}} trailing',
        b'{"type": "test.greet", "args": {"name": "\\ud800"}}',
        b'{"type": "test.greet", "args": {"name": "\xff"}}',
        b'{"type": "test.greet", "args": {"name": "Ada", "times": NaN}}',
        b'{"type": "test.greet", "args": {"name": "Ada", "times": 1' + b"0" * 5000 + b"}}",
        b'{"type": "test.greet", "args": {"name": "Ada", "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"type": "test.greet", "args": {"name": "Ada", "note": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}}",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
    ],
)
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    problem = problem_of(text)
    assert (problem["status"], problem["type"]) == (400, "malformed")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
@pytest.mark.parametrize("member", ['"weight": %s', '"note": %s', '"note": [{"a": %s}]'])
def test_a_number_that_json_does_not_have_is_malformed_and_never_null(number: str, member: str) -> None:
    text = ('{"type": "test.greet", "args": {"name": "Ada", ' + member % number + "}}").encode()
    with pytest.raises(HttpProblem) as found:
        INTAKE.check_finite(seal(INTAKE.one(text).args, "id").args, text)
    assert found.value.status == 400


def test_null_itself_is_a_value() -> None:
    text = body(args={"name": "Ada", "note": None})
    INTAKE.check_finite(seal(INTAKE.one(text).args, "id").args, text)


def test_a_whole_number_beyond_64_bits_travels_unchanged() -> None:
    assert INTAKE.one(body(args={"name": "Ada", "note": 10**300})).args == Greet(name="Ada", note=10**300)


@pytest.mark.parametrize("text", [b"[]", b"3", b"null", b'"text"', b"true"])
def test_json_that_is_no_object_does_not_fit(text: bytes) -> None:
    assert problem_of(text)["status"] == 422


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (body(args={}), ["#/args/name"]),
        (body(args={"name": 4}), ["#/args/name"]),
        (body(args={"name": "Ada", "times": 0, "shoe": 1}), ["#/args/times", "#/args/shoe"]),
        (body(args={"name": "Ada", "a/b~c d": 1}), ["#/args/a~1b~0c%20d"]),
        (body(queue="side"), ["#/queue"]),
        (body(tags=["fine", "not fine"]), ["#/tags/1"]),
        (body(tags=["t"] * 21), ["#/tags"]),
        (body(reply_to="fairway.q.admin"), ["#/reply_to"]),
        (body(headers={"CC": ["x"]}), ["#/headers"]),
        (b'{"type": "test.greet"}', ["#/args"]),
        (b'{"args": {}}', ["#/type"]),
    ],
)
def test_what_does_not_fit_is_pointed_at(text: bytes, expected: list[str]) -> None:
    assert pointers(text) == expected


def test_a_pointer_into_a_union_names_only_what_is_in_the_request() -> None:
    found = pointers(body(args={"name": "Ada", "at": [{"city": "Rome", "floor": "high"}]}))
    assert "#/args/at/0/floor" in found
    assert not any("Place" in pointer or "list" in pointer for pointer in found)


def test_an_unknown_type_comes_with_the_near_names() -> None:
    problem = problem_of(b'{"type": "test.gret", "args": {}}')
    assert (problem["status"], problem["type"], problem["near"][0]) == (422, "unknown_type", "test.greet")


@pytest.mark.parametrize("type", [5, None, ["test.greet"], {"a": 1}, "x" * 100_000, "\n\x1b[31m"])
def test_a_type_that_is_no_name_is_unknown(type: object) -> None:
    problem = problem_of(json.dumps({"type": type, "args": {}}).encode())
    assert problem["status"] == 422
    assert len(problem["detail"]) < 1000
    assert "\x1b" not in problem["detail"]


@pytest.mark.parametrize("field", ["priority", "delay", "not_before", "deadline", "tenant"])
def test_a_field_that_is_not_built_yet_is_named(field: str) -> None:
    problem = problem_of(body(**{field: 1}))
    assert (problem["status"], problem["type"]) == (422, "not_built")
    assert f"`{field}`" in problem["detail"]


def test_an_argument_of_such_a_name_is_only_an_argument() -> None:
    assert problem_of(body(args={"name": "Ada", "delay": 1}))["type"] == "invalid_job"


def test_each_entry_of_an_array_stands_for_itself() -> None:
    entries = INTAKE.many(b'[{"type": "test.greet", "args": {"name": "Ada"}}, 4, {"type": "test.count", "args": {"to": 3}}, {"type": "x"}]')
    assert [entry.status if isinstance(entry, HttpProblem) else entry.type for entry in entries] == ["test.greet", 422, "test.count", 422]


@pytest.mark.parametrize(("text", "status"), [(b"{}", 422), (b"[1", 400), (b"[NaN]", 400), (b"7", 422)])
def test_a_batch_is_a_json_array(text: bytes, status: int) -> None:
    with pytest.raises(HttpProblem) as found:
        INTAKE.many(text)
    assert found.value.status == status


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_in_is_answered(text: bytes) -> None:
    with pytest.raises(HttpProblem) as found:
        INTAKE.one(text)
    assert found.value.status in {400, 422}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    )
)
def test_an_argument_of_any_shape_travels_unchanged(note: Any) -> None:
    text = body(args={"name": "Ada", "note": note})
    sealed = seal(INTAKE.one(text).args, "id")
    INTAKE.check_finite(sealed.args, text)
    assert json.loads(sealed.args)["note"] == note


def test_a_catalogue_without_types_is_refused() -> None:
    with pytest.raises(NotConfigured, match="FAIRWAY_JOBS"):
        Intake(Catalogue([]))


def test_one_type_alone_is_told_by_its_name_too() -> None:
    with pytest.raises(HttpProblem) as found:
        Intake(Catalogue([Count])).one(b'{"type": "test.greet", "args": {}}')
    assert found.value.members["type"] == "unknown_type"
