"""The Link: the one engine that speaks AMQP on the data plane. pika stays inside this package.

A Link owns a thread with a private event loop and two connections, one to publish and one to
consume (an alarm that blocks publishers must not block acks). Each connection is supervised:

                    ┌────────────── backoff (full jitter, without an end) ◄─────────────┐
                    ▼                                                                   │
    idle ──► connecting ──► opening ──► healthy ◄──► blocked (publish connection only) ─┤ lost
                    │      (channels, confirm mode,      │                              │
                    │       passive declares, qos,       └──────────────────────────────┤
                    │       consume)                                                    │
                    └── every address of every URL refused, or topology missing ────────┘
    any ──► stopped, when told to

*Healthy* means a confirm-ok on the publish connection and a consume-ok for each subscription.
Handlers never run on the Link's loop, so that a handler that blocks can't starve heartbeats;
C code that keeps the GIL can, and belongs in a child process.
"""

from __future__ import annotations

from shared.link.delivery import Delivery
from shared.link.link import Link
from shared.link.mailbox import Mailbox
from shared.link.outbox import Outbox
from shared.link.outcome import Accepted, PublishOutcome, Refused, Unknown, Unroutable
from shared.link.publication import Publication
from shared.link.state import LinkState, LinkStatus
from shared.link.subscription import OwnQueue, SharedQueue, Subscription

__all__ = [
    "Accepted",
    "Delivery",
    "Link",
    "LinkState",
    "LinkStatus",
    "Mailbox",
    "Outbox",
    "OwnQueue",
    "Publication",
    "PublishOutcome",
    "Refused",
    "SharedQueue",
    "Subscription",
    "Unknown",
    "Unroutable",
]
