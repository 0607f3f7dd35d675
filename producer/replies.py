"""A client's reply queue: late-bound, one for each session, drained after a reconnect, kept small.

The key `r.<client>` is what travels as `reply_to`; `<client>` is 128 random bits, so that nobody
guesses it. The queue expires a minute after its client is gone.
"""

from __future__ import annotations

import secrets

from shared.link import OwnQueue
from shared.link.subscription import Receive
from shared.topology import Names

EXPIRES_MS = 60_000
MOST_REPLIES = 100_000  # the oldest goes first: a push is at most once, the record is what lasts
PREFETCH = 1000


def new_client() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def reply_queue(names: Names, client: str, receive: Receive) -> OwnQueue:
    """The subscription that brings the replies of `client`."""
    return OwnQueue(
        name=names.reply(client),
        exchange=names.replies,
        key=f"r.{client}",
        prefetch=PREFETCH,
        receive=receive,
        arguments={"x-queue-type": "classic", "x-expires": EXPIRES_MS, "x-max-length": MOST_REPLIES, "x-overflow": "drop-head"},
    )
