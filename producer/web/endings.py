"""What a delivery of the records queue says about a job: how it ended. Pure.

The queue is bound to two exchanges. From `replies` come the replies of workers; from `dead` the dead
letters: those that a worker made, with the problem in a header, and those that the broker made, with its
reason (https://www.rabbitmq.com/docs/dlx#effects).
"""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import from_json

from shared.envelope import Reply, State
from shared.errors import PROBLEM, Problem, Unreadable
from shared.link import Delivery
from shared.message import Message
from shared.records import Ended
from shared.topology import DELIVERY_LIMIT, Names
from shared.wire import ID, LAST_MS, RECORDED, unpack_reply

LIMIT_REACHED = "delivery_limit"


def ending_of(delivery: Delivery, names: Names, now: int) -> Ended | None:
    """`now` in milliseconds since 1970: when a job ended whose message doesn't say. Raises `Unreadable`.

    None for a dead letter whose end has been told already by its worker's reply, problem and all.
    """
    if delivery.exchange == names.dead:
        return None if RECORDED in delivery.message.headers else _dead_letter(delivery.message, names, now)
    return Ended(unpack_reply(delivery.message))


def _dead_letter(message: Message, names: Names, now: int) -> Ended:
    """Read with patience: this is where what nobody could read comes to."""
    headers = message.headers
    limit_reached = headers.get("x-first-death-reason") == LIMIT_REACHED
    if not ID.fullmatch(message.id):
        raise Unreadable(f"a dead letter with the message_id {message.id[:80]!r}, which is no job id")
    ended = Reply(
        id=message.id,
        type=message.type,
        queue=_queue_of(message, names),
        state=State.DEAD,
        created=_number(headers.get("fairway-created"), (message.timestamp or 0) * 1000 or now),
        problem=_problem_of(message),
        worker=str(headers.get("fairway-worker", "")),
        attempt=_number(headers.get("fairway-attempt"), 1),
        deliveries=DELIVERY_LIMIT + 1 if limit_reached else 1,  # `x-delivery-count` is the records queue's own by now
        finished=now,
        tags=tuple(tag for tag in str(headers.get("fairway-tags", "")).split(",") if tag),
    )
    return Ended(ended, message.body if _is_json(message.body) else None)


def _problem_of(message: Message) -> Problem:
    written = message.headers.get("fairway-problem")
    if isinstance(written, str):
        try:
            return PROBLEM.validate_json(written)
        except ValidationError:
            return Problem("dead_lettered", "A worker gave the job up.", "its reason can't be read")
    reason = str(message.headers.get("x-first-death-reason", "unknown"))
    if reason == LIMIT_REACHED:
        return Problem("crashed", "The workers that had the job went away too often.", "the broker's delivery limit was reached")
    return Problem("dead_lettered", "The broker gave the job up.", f"its reason: {reason}")


def _queue_of(message: Message, names: Names) -> str:
    own = message.headers.get("fairway-queue")
    if isinstance(own, str):
        return own
    return str(message.headers.get("x-first-death-queue", "")).removeprefix(names.work(""))


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_MS else default


def _is_json(body: bytes) -> bool:
    try:
        from_json(body)
    except ValueError:
        return False
    return True
