"""A broker under test, and what the contract suites of hubs share."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.errors import HubError
from image_grpc.hub import Ack, Delivery, Handler, Hub, Outcome, QueueState, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc_testkit.eventually import eventually

TIMEOUT_SECONDS = 60.0
"""Longest wait for one call of the hub."""
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """How implementations may differ."""

    durable: bool
    """Queues outlive the hub, so `Broker.reopen` works."""
    connection_can_be_lost: bool
    """`Broker.lose_connection` works."""
    shortest_retry_seconds: float
    """The first step of the retry ladder."""


class Broker(Protocol):
    """A started hub, and what tests need besides."""

    features: Features

    @property
    def hub(self) -> Hub:
        """The started hub."""

    async def declare(self, queue: topology.Queue) -> None:
        """Declare a queue in addition to those of the topology."""

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        """Put a message into a queue whose body need not be an envelope."""

    async def reopen(self) -> None:
        """Close the hub, and replace `hub` by a new one on the same broker."""

    async def lose_connection(self) -> None:
        """Break the hub's connections. The hub is expected to reconnect."""


@dataclass
class Inbox:
    """A handler that records its deliveries and settles them with `settle`."""

    settle: Callable[[Delivery], Settlement] = lambda delivery: Ack()
    deliveries: list[Delivery] = field(default_factory=list)

    async def __call__(self, delivery: Delivery) -> Settlement:
        self.deliveries.append(delivery)
        return self.settle(delivery)

    @property
    def names(self) -> list[str]:
        """The names of the messages in order of arrival."""
        return [name_of(delivery) for delivery in self.deliveries]

    async def wait_for(self, count: int) -> None:
        """Wait until `count` messages have arrived."""
        await eventually(lambda: len(self.deliveries) >= count, f"{count} messages in the inbox")


def unique_name(name: str) -> str:
    """Return a name that no other test uses."""
    return f"test.{name}.{uuid.uuid4().hex}"


def envelope_named(name: str, *, time_to_live: float | None = None) -> Envelope:
    """Return an envelope that tests identify by its name. `time_to_live` is in seconds."""
    payload = ImageGenerated(image_id=name)
    return envelopes.protobuf_envelope(
        "test.named", payload, correlation_id=str(uuid.uuid4()), time_to_live=time_to_live
    )


def name_of(delivery: Delivery) -> str:
    """Return the name of an envelope created by `envelope_named`."""
    return envelopes.payload(delivery.envelope, ImageGenerated).image_id


def queue_message(queue: str, envelope: Envelope) -> OutboundMessage:
    """Return a message for one queue, which must exist."""
    return OutboundMessage(routing_key=queue, envelope=envelope, mandatory=True)


def event_message(routing_key: str, envelope: Envelope, *, mandatory: bool = False) -> OutboundMessage:
    """Return a message to the exchange for events with this routing key."""
    exchange = topology.event_exchange(routing_key)
    return OutboundMessage(exchange=exchange, routing_key=routing_key, envelope=envelope, mandatory=mandatory)


def request_message(routing_key: str, envelope: Envelope, *, mandatory: bool = True) -> OutboundMessage:
    """Return a message to the exchange for requests."""
    return OutboundMessage(exchange=topology.REQUESTS, routing_key=routing_key, envelope=envelope, mandatory=mandatory)


async def declare_queue(broker: Broker, *bindings: tuple[str, str]) -> str:
    """Declare a queue with a unique name, and return the name."""
    queue = topology.Queue(name=unique_name("queue"), bindings=bindings)
    await broker.declare(queue)
    return queue.name


async def publish(broker: Broker, *messages: OutboundMessage) -> None:
    """Publish messages in order. Each must be confirmed."""
    for message in messages:
        assert await broker.hub.publish(message, timeout=TIMEOUT_SECONDS) is Outcome.CONFIRMED


async def send(broker: Broker, queue: str, *names: str) -> None:
    """Put messages with these names into a queue, in order."""
    await publish(broker, *(queue_message(queue, envelope_named(name)) for name in names))


async def request(broker: Broker, routing_key: str, envelope: Envelope) -> Envelope:
    """Send a request and return its reply."""
    return await broker.hub.request(request_message(routing_key, envelope), timeout=TIMEOUT_SECONDS)


@asynccontextmanager
async def consuming(broker: Broker, queue: str, handler: Handler, *, concurrency: int = 1) -> AsyncIterator[None]:
    """Consume a queue within the block."""
    consumer = await broker.hub.consume(queue, handler, concurrency=concurrency)
    try:
        yield
    finally:
        await consumer.stop(grace=TIMEOUT_SECONDS)


async def receive(broker: Broker, queue: str, count: int) -> list[Delivery]:
    """Consume `count` messages of a queue."""
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await inbox.wait_for(count)
    return inbox.deliveries


async def receive_dead_letters(broker: Broker, queue: str) -> list[Delivery]:
    """Wait for dead letters from this queue. Those of other queues are removed as well."""
    inbox = Inbox()

    def matching() -> list[Delivery]:
        return [delivery for delivery in inbox.deliveries if delivery.headers.get("origin") == queue]

    async with consuming(broker, topology.DEAD_QUEUE, inbox):
        await eventually(lambda: bool(matching()), f"a dead letter from {queue}")
    return matching()


async def wait_until_empty(broker: Broker, queue: str) -> None:
    """Wait until no message is waiting in the queue."""
    await wait_for_depth(broker, queue, 0)


async def wait_for_depth(broker: Broker, queue: str, count: int) -> None:
    """Wait until `count` messages are waiting in the queue."""

    async def has_depth() -> bool:
        try:
            return await broker.hub.depth(queue) == count
        except HubError:  # a busy broker may not respond in time
            return False

    await eventually(has_depth, f"{count} messages wait in {queue}")


async def wait_for_state(broker: Broker, queue: str, state: QueueState) -> None:
    """Wait until the queue has this state."""

    async def has_state() -> bool:
        try:
            return await broker.hub.queue_state(queue) == state
        except HubError:
            return False

    await eventually(has_state, f"{queue} has {state}")


def replying(broker: Broker, reply_to: Callable[[Delivery], tuple[str, Message]]) -> Handler:
    """Return a handler that replies with the type and payload that `reply_to` returns."""

    async def handle(delivery: Delivery) -> Settlement:
        type_, payload = reply_to(delivery)
        reply = envelopes.reply_envelope(delivery.envelope, type_, payload)
        await broker.hub.reply(delivery, reply, timeout=TIMEOUT_SECONDS)
        return Ack()

    return handle


async def wait_until_expired(envelope: Envelope) -> None:
    """Wait until an envelope has expired, including for a broker that received it a little later."""
    deadline = (envelopes.expires_at(envelope) or 0) + 0.2
    await eventually(lambda: time.time() > deadline, "the message has expired")
