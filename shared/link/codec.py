"""`Message` ↔ pika's properties. pika hands out whatever a broker carries; here it becomes ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pika.spec import Basic, BasicProperties

from shared.link.delivery import Delivery, Origin
from shared.message import Message

PERSISTENT, TRANSIENT = 2, 1
APP_ID = "fairway"


def properties_of(message: Message) -> BasicProperties:
    """The AMQP properties that a message travels with."""
    return BasicProperties(
        content_type=message.content_type,
        headers=dict(message.headers),
        delivery_mode=PERSISTENT if message.persistent else TRANSIENT,
        correlation_id=message.correlation_id or None,
        reply_to=message.reply_to,
        message_id=message.id or None,
        timestamp=message.timestamp,
        type=message.type or None,
        app_id=APP_ID,
        content_encoding=message.content_encoding or None,
    )


def message_of(properties: BasicProperties, body: bytes) -> Message:
    """Never raises: what isn't readable becomes a text that no check lets through."""
    headers: Mapping[str, Any] = properties.headers or {}
    return Message(
        body=body,
        id=_text(properties.message_id),
        type=_text(properties.type),
        correlation_id=_text(properties.correlation_id),
        reply_to=None if properties.reply_to is None else _text(properties.reply_to),
        timestamp=properties.timestamp,
        headers=headers,
        content_type="application/json" if properties.content_type is None else _text(properties.content_type),
        content_encoding=_text(properties.content_encoding),
        persistent=properties.delivery_mode == PERSISTENT,
    )


def delivery_of(queue: str, origin: Origin, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> Delivery:
    """`x-delivery-count` is how often the broker took the message back before; absent at first."""
    message = message_of(properties, body)
    count = message.headers.get("x-delivery-count", 0)
    returns = count if isinstance(count, int) and count >= 0 else 0
    return Delivery(queue, method.exchange, message, method.redelivered, returns + 1, method.delivery_tag, origin)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return ""
    # pika gives bytes for a short string that is no UTF-8. One byte for a bad one, or it would outgrow a short string's 255.
    return value.decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "?") if isinstance(value, bytes) else str(value)
