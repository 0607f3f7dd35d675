"""All settings of both tiers: one frozen model, read from the environment once, at the edge."""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import NotConfigured
from shared.job import QUEUE

PREFIX = "FAIRWAY_"

# Read by the launcher and the compose file, never by a web replica or a worker.
NOT_OURS = frozenset({"FAIRWAY_HOME", "FAIRWAY_BROKER"})


def _words(text: object) -> object:
    return tuple(word.strip() for word in text.split(",") if word.strip()) if isinstance(text, str) else text


Words = Annotated[tuple[str, ...], NoDecode]


def _secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"FAIRWAY_AMQP_URL_FILE: can't read {path}: {error}") from error


class Settings(BaseSettings):
    """Each field is read from `FAIRWAY_<FIELD>`; times are in seconds, sizes in bytes.

    Raises `pydantic.ValidationError`; `load` turns it into a `NotConfigured` that names the variables.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    amqp_url: SecretStr = Field(
        SecretStr("amqp://guest:guest@localhost:5672/"),
        description="address of RabbitMQ; several, separated by commas, are tried in random order",
    )
    amqp_url_file: Path | None = Field(
        None, description="file that holds amqp_url, read where that isn't given itself: for mounted secrets"
    )
    management_url: SecretStr | None = Field(None, description="RabbitMQ's management API with operator credentials, for `topology plan`")
    prefix: str = Field("fairway", pattern=r"^[a-z0-9-]{1,40}$", description="prefix of every exchange and queue")
    jobs: Words = Field(
        ("shared.jobs.text", "shared.jobs.image", "shared.jobs.math", "shared.jobs.demo"), description="modules that define job types"
    )
    handlers: Words = Field(
        ("worker.handlers.text", "worker.handlers.image", "worker.handlers.math", "worker.handlers.demo"),
        description="modules that define handlers",
    )
    queues: Words = Field((), description="queues that a worker takes from; all that its handlers name where empty")
    name: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.@:-]{1,80}$", description="name of this worker or web replica; host:pid where unset"
    )

    slots: int | None = Field(None, ge=1, le=2000, description="jobs at once on the loop (64 where unset) and in threads (16 where unset)")
    processes: int | None = Field(None, ge=1, le=256, description="child processes of a worker; the number of cores where unset")
    dispatch: Literal["fair"] = Field("fair", description="dispatch policy of a worker")
    job_timeout: float = Field(60.0, gt=0, description="time limit of an attempt where its handler names none")
    grace: float = Field(30.0, ge=0, description="how long running jobs may go on after SIGTERM")

    ready_file: Path | None = Field(None, description="file that a worker touches each second while it consumes, for healthchecks")

    web_host: str = Field("127.0.0.1", description="address that the web tier listens on")
    web_port: int = Field(8000, ge=0, le=65535, description="port that the web tier listens on")
    web_url: str = Field("http://127.0.0.1:8000", description="address of the web tier, for the command line")
    wait_limit: float = Field(25.0, ge=0, description="the longest `wait` that HTTP grants")
    body_limit: int = Field(1024 * 1024, ge=1024, description="largest arguments and largest reply")
    batch_limit: int = Field(10_000, ge=1, description="most jobs in one batch")

    records_url: str = Field("sqlite:///.fairway/records.sqlite3", description="where records are kept; `off` keeps none")
    records_for: float = Field(24 * 3600.0, gt=0, description="how long a finished job's record is kept")

    heartbeat: int = Field(10, ge=1, le=600, description="AMQP heartbeat")
    confirm_timeout: float = Field(5.0, gt=0, description="how long a publish may wait for its confirm")
    window: int = Field(1000, ge=1, description="most unconfirmed publishes on one connection")

    log: Literal["auto", "json", "console"] = Field("auto", description="form of log lines; auto is console on a terminal, else json")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe level that is logged")

    _split = field_validator("jobs", "handlers", "queues", mode="before")(_words)

    @model_validator(mode="before")
    @classmethod
    def _amqp_url_from_file(cls, given: dict[str, Any]) -> dict[str, Any]:
        path = given.get("amqp_url_file")
        if not path or "amqp_url" in given:
            return given
        return {**given, "amqp_url": _secret(Path(path))}

    @field_validator("queues")
    @classmethod
    def _queue_names(cls, queues: tuple[str, ...]) -> tuple[str, ...]:
        for queue in queues:
            if not QUEUE.fullmatch(queue):
                raise ValueError(f"{queue!r} must match [a-z0-9-]{{1,40}}")
        return queues

    @field_validator("amqp_url")
    @classmethod
    def _amqp_urls(cls, value: SecretStr) -> SecretStr:
        for url in value.get_secret_value().split(","):
            if not re.match(r"amqps?://", url.strip()):
                raise ValueError("each address must begin with amqp:// or amqps://")
        return value

    @property
    def own_name(self) -> str:
        """What this worker or web replica is called: FAIRWAY_NAME, else host:pid."""
        return self.name or f"{socket.gethostname()}:{os.getpid()}"

    @property
    def amqp_urls(self) -> tuple[str, ...]:
        """Every address of the broker, with its credentials."""
        return tuple(url.strip() for url in self.amqp_url.get_secret_value().split(","))

    @property
    def keeps_records(self) -> bool:
        return self.records_url != "off"

    @property
    def loop_slots(self) -> int:
        return self.slots or 64

    @property
    def thread_slots(self) -> int:
        return self.slots or 16

    @property
    def process_slots(self) -> int:
        return self.processes or os.cpu_count() or 1

    @classmethod
    def load(cls, **given: Any) -> Self:
        """The settings of this process, from its environment; `given` wins over it.

        Raises `NotConfigured` naming each wrong variable, and each unknown `FAIRWAY_*` one with
        the nearest known name.
        """
        _refuse_unknown(cls, os.environ)
        try:
            return cls(**given)
        except ValidationError as error:
            lines = (f"{PREFIX}{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors())
            raise NotConfigured("; ".join(lines)) from error


def _refuse_unknown(model: type[Settings], environ: Iterable[str]) -> None:
    known = {PREFIX + name.upper() for name in model.model_fields} | NOT_OURS
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise NotConfigured(f"{name} is no setting of Fairway{hint} (`fairway config` lists them)")
