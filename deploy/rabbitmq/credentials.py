# noqa: INP001 - a program of its own, in no package
"""Settles who logs in to RabbitMQ: runs once before the broker starts, as compose's service `credentials`.

User and password are those of RABBITMQ_USER and RABBITMQ_PASS; what isn't given is as it was, and at
first the user `fairway` with a password made up here. Two files are written into the folder given:
`amqp-url` for Fairway, whose group may read it, and `definitions.json` for RabbitMQ, with a salted hash.
RabbitMQ imports it at each start, so a changed password counts from its next start
(https://www.rabbitmq.com/docs/definitions#import-on-boot).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit


class Login(NamedTuple):
    """A user of RabbitMQ and its password."""

    user: str
    password: str


def chosen(environ: Mapping[str, str], before: Login | None) -> Login:
    """The login that counts now. Raises `SystemExit` for `guest`, which the whole world knows."""
    user = environ.get("RABBITMQ_USER") or (before.user if before else "fairway")
    if user == "guest":
        raise SystemExit("RABBITMQ_USER: guest is never used here; name another user, or none")
    kept = before.password if before and before.user == user else secrets.token_urlsafe(24)
    return Login(user, environ.get("RABBITMQ_PASS") or kept)


def amqp_url(login: Login) -> str:
    """The address of the broker inside of the compose network."""
    return f"amqp://{quote(login.user, safe='')}:{quote(login.password, safe='')}@rabbitmq:5672/"


def read(path: Path) -> Login | None:
    """The login of an address that was written before; None where there is none."""
    if not path.exists():
        return None
    url = urlsplit(path.read_text().strip())
    return Login(unquote(url.username or ""), unquote(url.password or ""))


def definitions(login: Login, salt: bytes) -> dict[str, object]:
    """What RabbitMQ imports. Hashed as in https://www.rabbitmq.com/docs/passwords#computing-password-hash (4 bytes of salt)."""
    digest = salt + hashlib.sha256(salt + login.password.encode()).digest()
    user = {
        "name": login.user,
        "password_hash": base64.b64encode(digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
    }
    permission = {"user": login.user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    return {"vhosts": [{"name": "/"}], "users": [user], "permissions": [permission]}


def write(path: Path, text: str, mode: int) -> None:
    """Write `text` with that mode in one step: a reader finds the old file or the new one."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(0o600)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def main(folder: Path) -> None:
    """Write both files into `folder`."""
    url_file = folder / "amqp-url"
    before = read(url_file)
    login = chosen(os.environ, before)
    if login == before and (folder / "definitions.json").exists():
        print(f"the login of user {login.user!r} stays as it is")  # noqa: T201 - what compose's log shows
        return
    # Definitions first: were this cut short in between, the next run would see the old address and write both.
    write(folder / "definitions.json", json.dumps(definitions(login, secrets.token_bytes(4))), 0o644)
    write(url_file, amqp_url(login), 0o640)
    print(f"RabbitMQ's user is {login.user!r}; its password stands in {url_file}")  # noqa: T201 - as above


if __name__ == "__main__":
    main(Path(sys.argv[1]))
