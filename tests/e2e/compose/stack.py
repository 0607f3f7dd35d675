"""The compose file as a project of its own: its commands, its containers, and the two addresses that it publishes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import httpx2

T = TypeVar("T")

DEPLOY = Path(__file__).parents[3] / "deploy"
CHOICES = ("FAIRWAY_", "RABBITMQ_", "COMPOSE_")  # what would change the outcome behind the test's back


class Container(NamedTuple):
    """One line of `docker compose ps`. `health` is empty where the service has no healthcheck."""

    id: str
    service: str
    state: str
    health: str
    exit_code: int


class Stack:
    """One compose project. Its ports are free ones, unless WEB_PORT and ADMIN_PORT say which.

    `submitted_by` gathers the web replicas that have answered a POST.
    """

    def __init__(self, project: str) -> None:
        web, admin = os.environ.get("WEB_PORT") or _free_port(), os.environ.get("ADMIN_PORT") or _free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(CHOICES)}
        self.environ = {**clean, "COMPOSE_PROJECT_NAME": project, "WEB_PORT": str(web), "ADMIN_PORT": str(admin)}
        self.submitted_by: set[str] = set()
        self.web = httpx2.Client(
            base_url=f"http://127.0.0.1:{web}/", timeout=30, trust_env=False, event_hooks={"response": [self._note_replica]}
        )
        self.admin_url = f"http://127.0.0.1:{admin}/"

    def up(self, *also: str, **environ: str) -> None:
        """Bring all of it up, built from this checkout, with four workers; it need not be healthy yet.

        `also`: further compose files, over the first.
        """
        try:
            self.compose("up", "--detach", "--build", "--scale", "worker=4", also=also, **environ)
        except RuntimeError as error:
            error.add_note(self.logs())
            raise

    def down(self) -> None:
        """Remove all of it, the volumes too."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def logs(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "10")

    def compose(self, *words: str, also: Iterable[str] = (), **environ: str) -> str:
        """Run `docker compose` and return what it prints; raises `RuntimeError` with its complaint where it fails."""
        files = [word for name in ("docker-compose.yml", *also) for word in ("-f", str(DEPLOY / name))]
        command = ["docker", "compose", *files, *words]
        done = subprocess.run(command, env={**self.environ, **environ}, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def containers(self) -> list[Container]:
        """Every container of the project, also those that have ended."""
        lines = (json.loads(line) for line in self.compose("ps", "--all", "--format", "json").splitlines())
        return [Container(line["ID"], line["Service"], line["State"], line["Health"], line["ExitCode"]) for line in lines]

    def restarts(self) -> int:
        """How often Docker had to start a container again that had ended by itself."""
        ids = [container.id for container in self.containers()]
        command = ["docker", "inspect", "--format", "{{.RestartCount}}", *ids]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return sum(map(int, done.stdout.split()))

    def wait_healthy(self, seconds: float) -> None:
        """Return once each container with a healthcheck is healthy, and nothing has ended but with 0."""
        until(lambda: _settled(self.containers()), "every container is healthy", seconds)

    def login(self) -> tuple[str, str]:
        """RabbitMQ's user and its password, had in the way that deploy/README.md shows."""
        url = urlsplit(self.compose("exec", "-T", "web", "cat", "/run/fairway/amqp-url"))
        return unquote(url.username or ""), unquote(url.password or "")

    def admin(self, path: str) -> list[dict[str, Any]]:
        """What RabbitMQ's management API lists at `path`; its figures are up to 8 s old."""
        answer = httpx2.get(f"{self.admin_url}api/{path}", auth=self.login(), timeout=10, trust_env=False).raise_for_status()
        listed: list[dict[str, Any]] = answer.json()
        return listed

    def submit(self, type: str, count: int, **args: object) -> list[str]:
        """`count` jobs alike as one batch; the ids of all, each of them accepted."""
        answer = self.web.post("v1/jobs/batch", json=[{"type": type, "args": args}] * count)
        assert answer.status_code == httpx2.codes.ACCEPTED, answer.text
        return [outcome["id"] for outcome in answer.json()["outcomes"]]

    def finished(self, id: str) -> dict[str, Any]:
        """The record of a job that ends within the 25 s that HTTP grants."""
        record: dict[str, Any] = self.web.get(f"v1/jobs/{id}", params={"wait": 25}).raise_for_status().json()
        return record

    def _note_replica(self, answer: httpx2.Response) -> None:
        if answer.request.method == "POST":
            self.submitted_by.add(answer.headers["X-Served-By"])


def until(condition: Callable[[], T], what: str, seconds: float) -> T:
    """What `condition` returns once that is true; fails with `what` and the last answer when `seconds` have passed."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}; last answer {answer!r}"
        time.sleep(0.2)  # docker and the management API can only be asked, they don't tell
    return answer


def _settled(containers: list[Container]) -> bool:
    ended = [container for container in containers if container.state == "exited" and container.exit_code]
    assert not ended, f"ended with an error: {ended}"
    return all(container.health in {"", "healthy"} and container.state in {"running", "exited"} for container in containers)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port
