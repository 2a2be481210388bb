"""A broker under test, and what the suites of the hub do with it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.image.internal.v1.job_pb2 import GenerateJob

from image_grpc.errors import HubError
from image_grpc.hub import (
    Ack,
    Delivery,
    Handler,
    Hub,
    Outcome,
    Settlement,
    topology,
)
from image_grpc.hub import envelope as envelopes
from tests.contracts.patience import eventually

SECONDS = 60.0
"""Longest wait for one call of the hub."""
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """In what the implementations differ."""

    durable: bool
    """Queues outlive the hub, so `Broker.reopen` works."""
    connection_can_be_lost: bool
    """`Broker.lose_connection` works."""
    shortest_retry_seconds: float
    """The first step of the retry ladder."""


class Broker(Protocol):
    """A started hub, and what a test does besides using it."""

    features: Features

    @property
    def hub(self) -> Hub:
        """The hub, which is started."""

    async def declare(self, queue: topology.Queue) -> None:
        """Declares a queue besides those of the topology."""

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        """Puts a message into a queue whose body need not be an envelope."""

    async def reopen(self) -> None:
        """Closes the hub; `hub` is a new one on the same broker then."""

    async def lose_connection(self) -> None:
        """Cuts the hub's connections; the hub is to come back by itself."""


@dataclass
class Inbox:
    """A handler that remembers what it was given, and settles it as it is told."""

    settle: Callable[[Delivery], Settlement] = lambda delivery: Ack()
    deliveries: list[Delivery] = field(default_factory=list)

    async def __call__(self, delivery: Delivery) -> Settlement:
        self.deliveries.append(delivery)
        return self.settle(delivery)

    @property
    def names(self) -> list[str]:
        """What the messages are called, in the order they came."""
        return [name_of(delivery) for delivery in self.deliveries]

    async def holds(self, count: int) -> None:
        """Returns once so many messages have come."""
        await eventually(lambda: len(self.deliveries) >= count, f"{count} messages in the inbox")


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"test.{name}.{uuid.uuid4().hex}"


def named(name: str, *, seconds: float | None = None) -> Envelope:
    """A message that is called so."""
    return envelopes.protobuf_envelope(
        "test.named", GenerateJob(generation_id=name), correlation_id=str(uuid.uuid4()), seconds=seconds
    )


def name_of(delivery: Delivery) -> str:
    """What a message is called."""
    return envelopes.payload(delivery.envelope, GenerateJob).generation_id


def to_queue(queue: str, envelope: Envelope) -> OutboundMessage:
    """A message for one queue, which must be there."""
    return OutboundMessage(routing_key=queue, envelope=envelope, mandatory=True)


def as_event(routing_key: str, envelope: Envelope, *, mandatory: bool = False) -> OutboundMessage:
    """A message for whoever wants to hear of it."""
    return OutboundMessage(
        exchange=topology.EVENTS, routing_key=routing_key, envelope=envelope, mandatory=mandatory
    )


def as_request(routing_key: str, envelope: Envelope, *, mandatory: bool = True) -> OutboundMessage:
    """A message for whoever answers such requests."""
    return OutboundMessage(
        exchange=topology.REQUESTS, routing_key=routing_key, envelope=envelope, mandatory=mandatory
    )


async def a_queue(broker: Broker, *bindings: tuple[str, str]) -> str:
    """Declares a queue, and answers its name."""
    queue = topology.Queue(name=unique("queue"), bindings=bindings)
    await broker.declare(queue)
    return queue.name


async def publish(broker: Broker, *messages: OutboundMessage) -> None:
    """Publishes one after the other; each must be confirmed."""
    for message in messages:
        assert await broker.hub.publish(message, timeout=SECONDS) is Outcome.CONFIRMED


async def send(broker: Broker, queue: str, *names: str) -> None:
    """Puts messages of these names into a queue, in this order."""
    await publish(broker, *(to_queue(queue, named(name)) for name in names))


@asynccontextmanager
async def consuming(broker: Broker, queue: str, handler: Handler, *, concurrency: int = 1) -> AsyncIterator[None]:
    """Within the block, the handler gets the queue's messages."""
    consumer = await broker.hub.consume(queue, handler, concurrency=concurrency)
    try:
        yield
    finally:
        await consumer.stop(grace=SECONDS)


async def take(broker: Broker, queue: str, count: int) -> list[Delivery]:
    """Takes so many messages from a queue."""
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await inbox.holds(count)
    return inbox.deliveries


async def dead_letters_from(broker: Broker, queue: str) -> list[Delivery]:
    """Waits for a message of this queue in the dead letter queue, which is emptied."""
    inbox = Inbox()

    def found() -> list[Delivery]:
        return [each for each in inbox.deliveries if each.headers.get("origin") == queue]

    async with consuming(broker, topology.DEAD_QUEUE, inbox):
        await eventually(lambda: bool(found()), f"a dead letter from {queue}")
    return found()


async def nothing_waits_in(broker: Broker, queue: str) -> None:
    """Returns once the queue is empty."""

    await holds_so_many(broker, queue, 0)


async def holds_so_many(broker: Broker, queue: str, count: int) -> None:
    """Returns once so many messages wait in the queue."""

    async def as_many() -> bool:
        try:
            return await broker.hub.depth(queue) == count
        except HubError:  # a broker that is busy does not tell at once
            return False

    await eventually(as_many, f"{count} messages wait in {queue}")


def answering(broker: Broker, answer: Callable[[Delivery], tuple[str, Message]]) -> Handler:
    """A handler that replies at once."""

    async def handle(delivery: Delivery) -> Settlement:
        type_, payload = answer(delivery)
        reply = envelopes.reply_envelope(delivery.envelope, type_, payload)
        await broker.hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    return handle


async def expired(envelope: Envelope) -> None:
    """Returns once an envelope's time is over, also by the clock of a broker that got it a little later."""
    over = (envelopes.expires_at(envelope) or 0) + 0.2
    await eventually(lambda: time.time() > over, "the message's time is over")
