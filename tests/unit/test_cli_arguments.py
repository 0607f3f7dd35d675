"""Words of a command line as arguments: the schema says which are text."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from fairway.arguments import arguments, object_of, synopsis


class Colour(Enum):
    RED = "red"


class Size(BaseModel):
    width: int


class Example(BaseModel):
    text: str
    count: int = 1
    ratio: float = 1.0
    loud: bool = False
    tags: list[str] = []
    day: date | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    size: Size | None = None
    either: str | int = 0
    anything: Any = None


SCHEMA = Example.model_json_schema()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text=hello", "hello"),
        ("text=5", "5"),
        ('text="quoted"', '"quoted"'),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("count=5", 5),
        ("ratio=1.5", 1.5),
        ("ratio=1e3", 1000.0),
        ("loud=true", True),
        ('tags=["a", "b"]', ["a", "b"]),
        ("day=2026-11-21", "2026-11-21"),
        ("colour=red", "red"),
        ("kind=b", "b"),
        ('size={"width": 3}', {"width": 3}),
        ("size=null", None),
        ("either=5", "5"),
        ("anything=[1]", [1]),
    ],
)
def test_a_field_that_may_be_a_string_takes_its_text_and_any_other_is_json(word: str, value: object) -> None:
    (found,) = arguments([word], SCHEMA).values()
    assert found == value
    assert type(found) is type(value)


def test_each_word_is_one_argument() -> None:
    assert arguments(["text=a", "count=2"], SCHEMA) == {"text": "a", "count": 2}
    assert arguments([], SCHEMA) == {}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("5", "'5' is no name=value"),
        ("=5", "'=5' is no name=value"),
        ("coutn=5", "did you mean 'count'?"),
        ("xyzzy=5", "'xyzzy' is no argument"),
        ("count=five", "'count' is integer"),
        ("count=", "'count' is integer"),
        ("ratio=NaN", "'ratio' is number"),
        ("loud=yes", "'loud' is boolean"),
        ("anything=red", "quote a string as JSON"),
    ],
)
def test_a_word_that_means_nothing_is_named(word: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the reason is looked at below
        arguments([word], SCHEMA)
    assert reason in str(error.value)


def test_a_job_type_without_arguments() -> None:
    class Nothing(BaseModel):
        pass

    assert synopsis(Nothing.model_json_schema()) == ""
    with pytest.raises(ValueError, match="'a' is no argument"):
        arguments(["a=1"], Nothing.model_json_schema())


def test_the_synopsis_puts_what_may_be_left_out_in_brackets() -> None:
    assert synopsis(SCHEMA).startswith("text=string [count=integer] [ratio=number] [loud=boolean] [tags=array] [day=string|null]")


def test_a_json_object_and_nothing_else() -> None:
    assert object_of('{"text": "hello"}') == {"text": "hello"}
    for text in ("[1]", '"a"', "null", "", "{", '{"a": NaN}'):
        with pytest.raises(ValueError):  # noqa: PT011 - of several reasons
            object_of(text)
