"""A web tier that says what a test tells it to say, over real HTTP: for the command line's own tests."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """A request that came in; `path` with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Answer(NamedTuple):
    """`body` as it is where it is text, else as JSON; None hangs up without an answer."""

    body: Any
    status: int = 200


class ScriptedWeb:
    """Answers each method and path (without its query) with what was scripted for it, in order; the last one again and again."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.url = ""
        self._script: dict[tuple[str, str], deque[Answer]] = {}

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._script[method, path] = deque(answers)

    def answer(self, heard: Heard) -> Answer:
        self.heard.append(heard)
        answers = self._script.get((heard.method, heard.path.partition("?")[0]))
        if answers is None:
            return Answer({"type": "not_found", "title": "Not found", "detail": f"nothing is scripted for {heard.path}"}, 404)
        return answers.popleft() if len(answers) > 1 else answers[0]


@contextmanager
def scripted_web() -> Iterator[ScriptedWeb]:
    """One on a free port of the loopback."""
    web = ScriptedWeb()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(web))
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(web: ScriptedWeb) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = web.answer(Heard(self.command, self.path, dict(self.headers.items()), json.loads(text) if text else None))
            if answer.body is None:
                return
            body = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _respond  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """The test says what it wants to see."""

    return Handler
