"""A hand on the broker that knows nothing of Fairway: plain pika, to put messages there and to look what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import pika
from pika.exceptions import ChannelClosedByBroker
from pika.spec import BasicProperties

from shared.topology import Topology
from tests.support.eventually import eventually


class Found(NamedTuple):
    """A message as the broker holds it."""

    body: bytes
    properties: BasicProperties

    @property
    def headers(self) -> Mapping[str, Any]:
        return self.properties.headers or {}


class RawProperties(BasicProperties):  # type: ignore[misc] # pika has no types
    """Properties as bytes: flags and values (AMQP 0-9-1, 4.2.6.1), valid or not."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self._raw = raw

    def encode(self) -> list[bytes]:
        return [self._raw]


class Rabbit:
    """One connection and one channel in confirm mode. To be used from one thread."""

    def __init__(self, amqp_url: str) -> None:
        parameters = pika.URLParameters(amqp_url)
        parameters.heartbeat = 0  # a test may look elsewhere for a while
        self._connection = pika.BlockingConnection(parameters)
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()

    def close(self) -> None:
        self._connection.close()

    def make(self, topology: Topology) -> None:
        """Declare it, as `fairway topology apply` does."""
        for exchange in topology.exchanges:
            self._channel.exchange_declare(exchange.name, exchange.kind, durable=True, arguments=dict(exchange.arguments))
        for queue in topology.queues:
            self.queue(queue.name, **queue.arguments)
        for relay in topology.relays:
            self._channel.exchange_bind(relay.exchange, relay.source, relay.key)
        for binding in topology.bindings:
            self._channel.queue_bind(binding.queue, binding.exchange, binding.key)

    def queue(self, name: str, **arguments: Any) -> str:
        """A durable quorum queue, or another where the arguments say so; returns its name."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        self._channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"} | named)
        return name

    def exchange(self, name: str) -> str:
        self._channel.exchange_declare(name, "topic", durable=True)
        return name

    def bind(self, queue: str, exchange: str, key: str) -> None:
        self._channel.queue_bind(queue, exchange, key)

    def delete(self, queue: str) -> None:
        self._channel.queue_delete(queue)

    def delete_exchange(self, exchange: str) -> None:
        self._channel.exchange_delete(exchange)

    def send(self, exchange: str, key: str, body: bytes, properties: BasicProperties) -> None:
        """Confirmed, and taken by some queue."""
        self._channel.basic_publish(exchange, key, body, properties, mandatory=True)

    def put(self, queue: str, *bodies: bytes, properties: BasicProperties | None = None) -> None:
        """Confirmed, through the default exchange."""
        for body in bodies:
            self.send("", queue, body, properties or BasicProperties())

    def ready(self, queue: str) -> int:
        """How many messages wait in the queue, given to nobody."""
        return int(self._channel.queue_declare(queue, passive=True).method.message_count)

    def consumers(self, queue: str) -> int:
        return int(self._channel.queue_declare(queue, passive=True).method.consumer_count)

    def exists(self, queue: str) -> bool:
        """Whether the queue is there."""
        with self._connection.channel() as channel:
            try:
                channel.queue_declare(queue, passive=True)
            except ChannelClosedByBroker:
                return False
            return True

    def take(self, queue: str, count: int = 0) -> list[Found]:
        """Every message that waits in the queue, as soon as there are `count`; they are gone then."""
        eventually(lambda: self.ready(queue) >= count, what=lambda: f"{self.ready(queue)} of {count} messages in {queue}")
        count = self.ready(queue)
        found: list[Found] = []
        while len(found) < count:
            method, properties, body = next(self._channel.consume(queue))
            assert method is not None
            self._channel.basic_ack(method.delivery_tag)
            found.append(Found(body or b"", properties or BasicProperties()))
        self._channel.cancel()  # gives back what came beside
        return found


@contextmanager
def rabbit_at(amqp_url: str) -> Iterator[Rabbit]:
    """A hand on this broker for as long as the block lasts."""
    rabbit = Rabbit(amqp_url)
    try:
        yield rabbit
    finally:
        rabbit.close()
