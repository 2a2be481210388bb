"""The Message Hub as the rest of the code sees it; `memory` implements it."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.errors import HubError


class Outcome(enum.Enum):
    """What became of a publish."""

    CONFIRMED = "confirmed"
    """Every queue that it was routed to has it."""
    RETURNED = "returned"
    """It was mandatory, and no queue took it."""
    REFUSED = "refused"
    """A queue is full. It may be tried again."""
    UNKNOWN = "unknown"
    """The connection or the time ended first: it may have been stored or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message as a consumer gets it."""

    envelope: Envelope
    queue: str
    """The queue it was taken from."""
    routing_key: str
    """What it was published with at first, whatever way it came back by."""
    attempt: int = 1
    """1, and one more each time it comes back by a Retry."""
    redelivered: bool = False
    """Whether a consumer had it before and went away without settling it."""
    reply_to: str = ""
    """Where a reply is awaited; empty: nowhere."""
    reply_correlation_id: str = ""
    """What the reply's transport properties must repeat; empty: the envelope's correlation id."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What it was sent with besides the envelope, for example `traceparent`."""


@dataclass(frozen=True, slots=True)
class Ack:
    """The message is done with: its effects are durable."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The message shall come back, as its next attempt."""

    delay: float
    """Seconds until then at the least; the hub takes the next step of the retry ladder."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """No attempt can succeed: the message goes to `image.dead` with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable(DeadLetter):
    """It is not what its queue takes; who awaits a reply is told so."""


Settlement = Ack | Retry | DeadLetter
Handler = Callable[[Delivery], Awaitable[Settlement]]
"""Handles a message and says what shall become of it. BadEnvelope dead-letters the message at once; a handler that
raises anything else has a bug: the message is retried, and dead-lettered after MAX_FAULTS attempts."""

MAX_FAULTS = 5


class Consumer(Protocol):
    """A running consumer."""

    async def stop(self, grace: float) -> None:
        """Takes no more messages, and waits up to `grace` seconds for those in hand. What is not settled by
        then goes back to the queue."""


class RequestTimeout(HubError):
    """No reply came in time. The request may have been handled or not."""


class RequestUnroutable(HubError):
    """No queue takes such requests."""


class Hub(Protocol):
    """Publishes, requests and consumes."""

    @property
    def durable(self) -> bool:
        """Whether queues outlive this process."""

    @property
    def connected(self) -> bool:
        """Whether messages flow: both ways, and to every consumer that was not stopped."""

    async def start(self) -> None:
        """Connects, and declares the topology."""

    async def publish(self, message: OutboundMessage, *, timeout: float, reply_to: str = "") -> Outcome:
        """Publishes; the outcome is known after `timeout` seconds at the latest. Never raises for what the
        other side does."""

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        """Publishes with an own reply queue and awaits the reply.

        Raises RequestTimeout after `timeout` seconds; RequestUnroutable at once if no queue takes the request,
        be it mandatory or not.
        """

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        """Sends a reply to where the delivery awaits it. Whoever asked may be gone: that is no error."""

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> Consumer:
        """Handles the messages of a queue, up to `concurrency` at once."""

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Consumer:
        """Gives all events with these routing keys to `handler`, in order, through a queue of this process's
        own. `on_gap` is called when events may have been missed."""

    async def depth(self, queue: str) -> int:
        """How many messages wait in a queue. Raises HubError when that cannot be known now."""

    async def close(self) -> None:
        """Ends the connections. Consumers are stopped before."""
