"""From an incoming message to its settlement, the same on every hub."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.hub import envelope as envelopes
from image_grpc.hub.port import Ack, DeadLetter, Delivery, Handler, Retry, Settlement, Unreadable
from image_grpc.retry import MAX_DELIVERIES, MAX_HANDLER_FAULTS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingMessage:
    """A message as a hub received it: the encoded envelope and the transport's metadata."""

    body: bytes
    content_type: str
    queue: str
    routing_key: str
    attempt: int = 1
    redelivered: bool = False
    previous_deliveries: int = 0
    """Deliveries that ended without a settlement, if the queue counts them."""
    expires_at: float | None = None
    """Seconds since the epoch; None: never."""
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    properties: Envelope | None = None
    """Envelope fields from the transport's properties, for what the body leaves out."""

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= time.time()

    def decode(self) -> Delivery:
        """Return the delivery for a handler. Raises BadEnvelope."""
        return Delivery(
            envelope=envelopes.decode(self.body, self.content_type, self.properties),
            queue=self.queue,
            routing_key=self.routing_key,
            attempt=self.attempt,
            redelivered=self.redelivered,
            reply_to=self.reply_to,
            reply_correlation_id=self.properties.correlation_id if self.properties else "",
            headers=self.headers,
        )


async def handle_message(handler: Handler, message: IncomingMessage) -> Settlement:
    """Run the handler and return the message's settlement. Raises nothing but CancelledError."""
    if message.expired:
        return Ack()
    if message.previous_deliveries >= MAX_DELIVERIES:
        return DeadLetter(f"delivered {message.previous_deliveries} times without being settled")
    try:
        return await handler(message.decode())
    except envelopes.BadEnvelope as error:
        return Unreadable(str(error))
    except Exception as bug:
        log.exception("handler failed", queue=message.queue, routing_key=message.routing_key, attempt=message.attempt)
        if message.attempt >= MAX_HANDLER_FAULTS:
            return DeadLetter(f"handler failed {message.attempt} times: {type(bug).__name__}")
        return Retry(0, "handler failed")


def acknowledging(callback: Callable[[Delivery], None]) -> Handler:
    """Return a handler that calls `callback` and acknowledges the message."""

    async def handle(delivery: Delivery) -> Settlement:
        callback(delivery)
        return Ack()

    return handle
