"""A client that was used before its process forked, then used in both: `python -m tests.support.forked AMQP_URL`.

Prints what each process got for its calls, and how often an id was given out.
"""

from __future__ import annotations

import os
import sys

from producer.blocking import Client
from tests.support.jobs import Echo
from tests.support.links import settings_for

CALLS = 20


def called(client: Client, who: str) -> None:
    """Make the calls and print the answers, in one write."""
    answers = [client.call(Echo(text=f"{who} {number}"), timeout=20) for number in range(CALLS)]
    right = answers == [f"{who} {number}" for number in range(CALLS)]
    os.write(1, f"{who}: {'right' if right else answers} {client.link_status.state.value} {client.unclaimed_replies}\n".encode())


def main(url: str) -> None:
    client = Client(settings_for(url))
    called(client, "before")
    children = [os.fork() for _ in range(1)]
    if 0 in children:
        called(client, "child")
        client.close()
        os._exit(0)
    called(client, "parent")
    for child in children:
        os.waitpid(child, 0)
    called(client, "after")
    client.close()


if __name__ == "__main__":
    main(sys.argv[1])
