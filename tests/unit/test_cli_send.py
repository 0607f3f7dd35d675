"""`fairway send` against a web tier that says what the test wants: what is asked, what is printed, how it ends."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fairway.commands import send
from tests.support.command_line import bare_environment, fairway
from tests.support.scripted_web import Answer, ScriptedWeb, scripted_web

ID = "019aa000-0000-7000-8000-000000000001"
TYPES = {
    "items": [
        {
            "type": "text.count",
            "queue": "default",
            "args": {"properties": {"text": {"type": "string"}, "least": {"type": "integer"}}, "required": ["text"]},
            "reply": {},
        },
        {"type": "demo.sleep", "queue": "default", "args": {"properties": {"seconds": {"type": "number"}}}, "reply": {}},
    ]
}


def job(state: str, **members: Any) -> dict[str, Any]:
    """A job as HTTP shows it."""
    none = dict.fromkeys(("worker", "reply", "problem", "started", "finished", "tenant", "not_before"))
    return {
        **none,
        "id": ID,
        "type": "text.count",
        "queue": "default",
        "tags": [],
        "state": state,
        "attempt": 1,
        "deliveries": 1,
        "created": "2026-11-21T09:00:00.000Z",
        **members,
    }


RAN = {"worker": "worker-2", "started": "2026-11-21T09:00:00.003Z", "finished": "2026-11-21T09:00:01.005Z"}
QUEUED, RUNNING = job("queued"), job("running")
DONE = job("done", reply={"words": 2, "longest": "grün"}, **RAN)
DEAD = job("dead", problem={"type": "ValueError", "title": "t", "detail": "no text", "traceback": "Traceback\n  line 3\n"}, **RAN)


@pytest.fixture
def web(tmp_path: Any) -> Iterator[ScriptedWeb]:
    with scripted_web() as web, bare_environment(FAIRWAY_WEB_URL=web.url, FAIRWAY_HOME=str(tmp_path)):
        web.on("GET", "/v1/types", Answer(TYPES))
        web.on("POST", "/v1/jobs", Answer(DONE))
        yield web


def submitted(web: ScriptedWeb) -> Any:
    (heard,) = (heard for heard in web.heard if heard.method == "POST")
    return heard.body


def test_the_reply_goes_to_standard_output_and_how_long_it_took_beside_it(web: ScriptedWeb) -> None:
    result = fairway("send", "text.count", "text=two words", "least=3", "--wait")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == DONE["reply"]
    assert "grün" in result.stdout
    assert result.stderr == "queued 3 ms · ran 1.002 s on worker-2\n"
    assert submitted(web) == {"type": "text.count", "args": {"text": "two words", "least": 3}}


def test_without_wait_the_id_is_all(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(QUEUED, 202))
    result = fairway("send", "text.count", "text=x")
    assert (result.exit_code, result.stdout) == (0, f"{ID}\n")
    assert f"fairway jobs {ID}" in result.stderr
    assert "Prefer" not in web.heard[-1].headers


@pytest.mark.parametrize(("option", "asked"), [("--wait", "20"), ("--wait=5", "5"), ("--wait=0", "0"), ("--wait=600", "20")])
def test_no_request_waits_longer_than_the_server_grants(web: ScriptedWeb, option: str, asked: str) -> None:
    fairway("send", "text.count", "text=x", option)
    assert web.heard[-1].headers["Prefer"] == f"wait={asked}"


def test_wait_does_not_swallow_the_word_behind_it(web: ScriptedWeb) -> None:
    assert fairway("send", "--wait", "text.count", "--wait", "text=x").exit_code == 0
    assert submitted(web)["args"] == {"text": "x"}


def test_tags_and_queue_travel(web: ScriptedWeb) -> None:
    fairway("send", "text.count", "text=x", "--tag", "a", "--tag", "b", "--queue", "slow")
    assert submitted(web) == {"type": "text.count", "args": {"text": "x"}, "tags": ["a", "b"], "queue": "slow"}


def test_a_job_that_goes_on_is_asked_for_until_it_ends(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(QUEUED, 202))
    web.on("GET", f"/v1/jobs/{ID}", Answer(RUNNING), Answer(DONE))
    result = fairway("send", "text.count", "text=x", "--wait")
    assert json.loads(result.stdout) == DONE["reply"]
    assert [heard.path for heard in web.heard[2:]] == [f"/v1/jobs/{ID}?wait=20"] * 2


def test_a_web_tier_that_is_away_for_a_moment_is_asked_again(web: ScriptedWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "PAUSE", 0.0)
    web.on("POST", "/v1/jobs", Answer(QUEUED, 202))
    away = Answer({"type": "records_down", "detail": "the records can't be read"}, 503)
    web.on("GET", f"/v1/jobs/{ID}", Answer(None), away, Answer(DONE))
    assert fairway("send", "text.count", "text=x", "--wait").exit_code == 0


def test_a_job_that_does_not_end_in_time_is_75_and_named(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(RUNNING, 202))
    result = fairway("send", "text.count", "text=x", "--wait=0")
    assert (result.exit_code, result.stdout) == (75, "")
    assert result.stderr == f"fairway: job {ID} is running after 0 s, and goes on; see it: fairway jobs {ID}\n"


def test_a_failed_job_tells_its_problem_and_ends_with_1(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(DEAD))
    result = fairway("send", "text.count", "text=x", "--wait")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ran 1.002 s on worker-2" in result.stderr
    assert f"fairway: job {ID} is dead: ValueError: no text\nTraceback\n  line 3\n" in result.stderr


def test_json_is_the_whole_job_in_one_line(web: ScriptedWeb) -> None:
    assert json.loads(fairway("send", "text.count", "text=x", "--wait", "--json").stdout) == DONE
    web.on("POST", "/v1/jobs", Answer(DEAD))
    result = fairway("send", "text.count", "text=x", "--wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, DEAD)
    web.on("POST", "/v1/jobs", Answer(QUEUED, 202))
    assert json.loads(fairway("send", "text.count", "text=x", "--json").stdout) == QUEUED


def test_arguments_as_json_from_the_command_line_and_from_standard_input(web: ScriptedWeb) -> None:
    fairway("send", "text.count", "--args-json", '{"text": "a", "least": 1}')
    assert submitted(web)["args"] == {"text": "a", "least": 1}
    assert [heard.path for heard in web.heard] == ["/v1/jobs"]  # no schema is needed
    web.heard.clear()
    fairway("send", "text.count", "least=2", "--args-json", "-", typed='{"text": "a", "least": 1}')
    assert submitted(web)["args"] == {"text": "a", "least": 2}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("text.count", "text"), "'text' is no name=value; it is: fairway send text.count text=string [least=integer]"),
        (("text.count", "least=few"), "'least' is integer"),
        (("text.count", "txet=a"), "did you mean 'text'?"),
        (("text.cuont", "text=a"), "no job type is named 'text.cuont'"),
        (("text.cuont", "text=a"), "there is text.count (FAIRWAY_JOBS"),
        (("nothing.like.it", "text=a"), "there is demo.sleep, text.count"),
        (("text.count", "--args-json", "[1]"), "--args-json: arguments are a JSON object"),
        (("text.count", "--args-json", "{"), "--args-json: "),
        (("text.count", "text=a", "--wait=soon"), "'soon' is not a valid integer"),
    ],
)
def test_a_wrong_command_line_is_2_and_sends_nothing(web: ScriptedWeb, words: tuple[str, ...], reason: str) -> None:
    result = fairway("send", *words)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert all(heard.method == "GET" for heard in web.heard)


PROBLEMS = [
    (422, {"type": "invalid_job", "detail": "it does not fit", "errors": [{"detail": "too long", "pointer": "#/args/text"}]}, 2),
    (413, {"type": "too_large", "detail": "over the limit"}, 2),
    (429, {"type": "backlog", "detail": "too many wait"}, 75),
    (503, {"type": "broker_down", "detail": "RabbitMQ is away"}, 69),
    (503, {"type": "outcome_unknown", "detail": "it may or may not have been accepted", "id": ID}, 75),
    (500, {"type": "internal", "title": "Something is wrong in here"}, 1),
]


@pytest.mark.parametrize(("status", "problem", "code"), PROBLEMS)
def test_a_problem_of_the_web_tier_is_one_line_and_an_exit_code(web: ScriptedWeb, status: int, problem: dict[str, Any], code: int) -> None:
    web.on("POST", "/v1/jobs", Answer(problem, status))
    result = fairway("send", "text.count", "text=x", "--wait")
    assert result.exit_code == code
    place = "; args/text: too long" if "errors" in problem else ""
    assert result.stderr == f"fairway: {problem.get('detail') or problem['title']}{place}\n"


def test_a_job_that_was_accepted_and_cannot_be_followed_is_named(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(QUEUED, 202))
    web.on("GET", f"/v1/jobs/{ID}", Answer({"type": "no_records", "detail": "no records are kept"}, 404))
    result = fairway("send", "text.count", "text=x", "--wait")
    assert result.exit_code == 1
    assert result.stderr == f"fairway: job {ID} was accepted, but can't be followed: no records are kept\n"


def test_nobody_there_is_69_and_says_which_setting_and_what_helps() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with bare_environment(FAIRWAY_WEB_URL=url):
            result = fairway("send", "text.count", "text=x")
    assert result.exit_code == 69
    assert (
        result.stderr
        == f"fairway: cannot reach the web tier at {url} (FAIRWAY_WEB_URL, environment): Connection refused. Start one here: fairway up\n"
    )


def test_a_submit_without_an_answer_is_75_and_does_not_claim_to_know(web: ScriptedWeb) -> None:
    web.on("POST", "/v1/jobs", Answer(None))
    result = fairway("send", "text.count", "text=x", "--wait")
    assert result.exit_code == 75
    assert "hung up" in result.stderr
    assert "may or may not have been accepted" in result.stderr


def test_another_server_is_not_taken_for_ours(web: ScriptedWeb) -> None:
    for status in (200, 502):
        web.on("GET", "/v1/types", Answer("<html>", status))
        result = fairway("send", "text.count", "text=x")
        assert result.exit_code == 1
        assert f"answered {status} without a JSON object: that is not Fairway's web tier" in result.stderr


def test_silence_is_75(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairway.http.ANSWER_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, bare_environment(FAIRWAY_WEB_URL=f"http://127.0.0.1:{silent.getsockname()[1]}"):
        result = fairway("send", "text.count", "text=x")
    assert result.exit_code == 75
    assert "did not answer in time" in result.stderr


@pytest.mark.parametrize("url", ["ftp://there", "there:8000", "http://"])
def test_an_address_that_is_none_is_78(url: str) -> None:
    with bare_environment(FAIRWAY_WEB_URL=url):
        result = fairway("send", "text.count", "text=x")
    assert result.exit_code == 78
    assert "FAIRWAY_WEB_URL is" in result.stderr
