"""The Message Hub: the port that the rest of the service uses. `memory` and `amqp` implement it."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.errors import HubError


class Outcome(enum.Enum):
    """Result of a publish."""

    CONFIRMED = "confirmed"
    """Every queue that the message was routed to has stored it."""
    RETURNED = "returned"
    """The message was mandatory, and no queue is bound for it."""
    REFUSED = "refused"
    """A queue is full. The publish can be retried."""
    UNKNOWN = "unknown"
    """The connection broke or the timeout passed first: the message may or may not have been stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message as its consumer's handler receives it."""

    envelope: Envelope
    queue: str
    """The queue that it was consumed from."""
    routing_key: str
    """The routing key of the original publish, also after retries."""
    attempt: int = 1
    """Counted from 1; each Retry adds one."""
    redelivered: bool = False
    """An earlier consumer received it and disconnected without settling it."""
    reply_to: str = ""
    """Reply address; empty if no reply is expected."""
    reply_correlation_id: str = ""
    """Correlation id for the reply's transport properties; empty: the envelope's correlation id."""
    expires_at: float | None = None
    """When it expires by this host's clock, in seconds since the epoch; None: never."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Transport headers besides those of the hub itself, for example `traceparent`."""


@dataclass(frozen=True, slots=True)
class Ack:
    """The message is finished: its effects are durable."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The message is redelivered later as its next attempt."""

    delay: float
    """Minimum delay in seconds; the hub rounds it up to a step of the retry ladder."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """No further attempt can succeed: the message moves to `image.dead` with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable(DeadLetter):
    """The body or payload cannot be decoded. If the sender expects a reply, it receives an error."""


Settlement = Ack | Retry | DeadLetter
Handler = Callable[[Delivery], Awaitable[Settlement]]
"""Processes a message and returns its settlement. BadEnvelope dead-letters the message at once. Other exceptions
are bugs: the message is retried, and dead-lettered after `retry.MAX_HANDLER_FAULTS` attempts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueState:
    """A queue that exists."""

    messages: int
    """Messages that wait."""
    consumers: int


class Consumer(Protocol):
    """A running consumer."""

    async def stop(self, grace: float) -> None:
        """Stop consuming, and requeue the messages that handlers have not settled within `grace` seconds."""


class RequestTimeout(HubError):
    """No reply arrived in time. The request may or may not have been processed."""


class RequestUnroutable(HubError):
    """No queue is bound for such requests."""


class Hub(Protocol):
    """Publishes messages, sends requests, and runs consumers."""

    @property
    def durable(self) -> bool:
        """Whether queues outlive this process."""

    @property
    def problem(self) -> str:
        """Why the hub cannot publish, or a running consumer receives no messages; empty without a problem."""

    @property
    def clock_skew(self) -> float:
        """How far another host's clock was ahead of this one's in the last minute, in seconds; 0 if none was.

        Negative if it was behind.
        """

    async def start(self) -> None:
        """Connect, and declare the topology."""

    async def publish(self, message: OutboundMessage, *, timeout: float) -> Outcome:
        """Publish a message. Returns within `timeout` seconds, and reports the broker's failures as an outcome."""

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        """Publish a request and return its reply.

        Raises RequestTimeout after `timeout` seconds, RequestUnroutable at once if no queue is bound, mandatory or not.
        """

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        """Send a reply to the sender of a request. A sender that has disconnected is no error."""

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> Consumer:
        """Consume a queue with up to `concurrency` handlers at once."""

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Consumer:
        """Pass every event with these routing keys to `handler`, in order, through a queue of this process.

        `on_gap` is called when events may have been missed.
        """

    async def depth(self, queue: str) -> int:
        """Return the number of messages waiting in a queue. Raises HubError if it is currently unavailable."""

    async def queue_state(self, queue: str) -> QueueState:
        """Return the state of a queue, with the consumers of all processes. Raises HubError if it is unavailable."""

    async def close(self) -> None:
        """Disconnect. Consumers must have been stopped before."""
