"""What pydantic says about a request, as a problem with pointers into the request (RFC 9457, section 3; RFC 6901). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pydantic_core import ErrorDetails

from producer.web.answers import HttpProblem
from producer.web.unbuilt import FIELDS, not_built
from shared.catalogue import Catalogue

MOST_ERRORS = 50  # in one answer
LONGEST_NAME = 120  # characters of an unknown type that are repeated


def malformed(reason: str) -> HttpProblem:
    """The request is no JSON."""
    return HttpProblem(400, "malformed", "The request is no valid JSON.", reason)


def misfit(errors: Sequence[ErrorDetails], document: Any, catalogue: Catalogue) -> HttpProblem:
    """Why `document`, which is JSON, is no submission: `errors` are pydantic's."""
    match errors[0]["type"]:
        case "union_tag_invalid":
            return _unknown_type(document.get("type"), catalogue)
        case "union_tag_not_found":
            return _invalid([{"detail": "`type` is missing: the name of a job type", "pointer": "#/type"}])
        case _:
            unbuilt = [error for error in errors if error["type"] == "extra_forbidden" and _is_unbuilt(error["loc"])]
            if unbuilt:
                names = ", ".join(f"`{error['loc'][1]}`" for error in unbuilt)
                return not_built(
                    f"the field {names}", errors=[{**_described(error, document), "detail": "not built yet"} for error in unbuilt]
                )
            return _invalid([_described(error, document) for error in errors[:MOST_ERRORS]])


def _is_unbuilt(place: Sequence[int | str]) -> bool:
    _type, *field = place
    return len(field) == 1 and field[0] in FIELDS


def _unknown_type(type: object, catalogue: Catalogue) -> HttpProblem:
    name = str(type)[:LONGEST_NAME]
    near = catalogue.near(name)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `GET /v1/types` lists them"
    detail = f"{name!r} is no job type of this deployment{hint}"
    errors = [{"detail": "no job type of this deployment", "pointer": "#/type"}]
    return HttpProblem(422, "unknown_type", "There is no such job type.", detail, near=near, errors=errors)


def _invalid(errors: list[dict[str, str]]) -> HttpProblem:
    detail = "the job has a member that does not fit" if len(errors) == 1 else f"the job has {len(errors)} members that do not fit"
    return HttpProblem(422, "invalid_job", "The job does not fit.", detail, errors=errors)


def _described(error: ErrorDetails, document: Any) -> dict[str, str]:
    return {"detail": error["msg"], "pointer": _pointer(error["loc"][1:], document, missing=error["type"] == "missing")}


def _pointer(place: Sequence[int | str], document: Any, *, missing: bool) -> str:
    """`place` without what isn't in the document: pydantic names branches of unions and validators there too."""
    steps: list[str] = []
    value = document
    for number, step in enumerate(place, 1):
        if _has(value, step):
            value = value[step]
        elif not (missing and number == len(place)):
            continue
        steps.append(quote(str(step).replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@-._"))
    return "".join(["#", *(f"/{step}" for step in steps)])


def _has(value: Any, step: int | str) -> bool:
    try:
        value[step]
    except (TypeError, LookupError):
        return False
    return not isinstance(value, str)
