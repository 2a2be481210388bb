"""What every hub does with incoming messages: settles them, or passes replies to waiting requests."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.background import end_tasks
from image_grpc.errors import HubError
from image_grpc.hub import Ack, DeadLetter, Delivery, Handler, Retry, Settlement, Unreadable
from image_grpc.hub import envelope as envelopes
from image_grpc.retry import MAX_DELIVERIES, MAX_HANDLER_FAULTS

IDENTITY_ENCODINGS = ("", "identity", "utf-8", "UTF-8")
"""Values of `content_encoding` with which a body is sent as it is."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingMessage:
    """A message as a hub received it."""

    body: bytes
    """The encoded envelope."""
    content_type: str
    delivery: Delivery
    """The transport's metadata. Its envelope has the fields that the body may leave out."""
    previous_deliveries: int = 0
    """Deliveries that ended without a settlement, if the queue counts them."""
    expires_at: float | None = None
    """When it expires for the transport, by this host's clock, in seconds since the epoch; None: never."""
    content_encoding: str = ""
    """How the body is compressed."""


async def handle_message(handler: Handler, message: IncomingMessage) -> Settlement:
    """Run the handler and return the message's settlement. Raises nothing but CancelledError."""
    if message.expires_at is not None and message.expires_at <= time.time():
        log.info("expired message dropped", queue=message.delivery.queue, routing_key=message.delivery.routing_key)
        return Ack()
    if message.previous_deliveries >= MAX_DELIVERIES:
        return DeadLetter(f"delivered {message.previous_deliveries} times without being settled")
    if message.content_encoding not in IDENTITY_ENCODINGS:
        return Unreadable(f"content_encoding {message.content_encoding!r} is not supported; send the body unencoded")
    delivery = message.delivery
    try:
        envelope = envelopes.decode(message.body, message.content_type, delivery.envelope)
        return await handler(replace(delivery, envelope=envelope, expires_at=_expires_at(message, envelope)))
    except envelopes.BadEnvelope as error:
        return Unreadable(str(error))
    except Exception as bug:
        attempt = delivery.attempt
        log.exception("handler failed", queue=delivery.queue, routing_key=delivery.routing_key, attempt=attempt)
        if attempt >= MAX_HANDLER_FAULTS:
            return DeadLetter(f"handler failed {attempt} times: {type(bug).__name__}")
        return Retry(0, "handler failed")


def _expires_at(message: IncomingMessage, envelope: Envelope) -> float | None:
    """Return when a message expires.

    If the transport has a time, it is by this host's clock. Then the sender's clock, which may differ, does not matter.
    """
    if message.expires_at is None:
        return envelopes.expires_at(envelope)
    if not envelope.HasField("time_to_live"):
        return message.expires_at
    return min(message.expires_at, time.time() + envelope.time_to_live.ToNanoseconds() / 1e9)


def acknowledging(callback: Callable[[Delivery], None]) -> Handler:
    """Return a handler that calls `callback` and acknowledges the message."""

    async def handle(delivery: Delivery) -> Settlement:
        callback(delivery)
        return Ack()

    return handle


async def finish_tasks(tasks: set[asyncio.Task[None]], grace: float) -> None:
    """Wait up to `grace` seconds for tasks, and cancel those that are still running then."""
    if tasks:
        await asyncio.wait(tasks, timeout=grace)
    await end_tasks(tasks)


class PendingReplies:
    """Matches incoming replies to waiting requests by a token that is unique to each request."""

    def __init__(self) -> None:
        self._replies: dict[str, asyncio.Future[Envelope]] = {}
        self._asked: dict[str, float] = {}

    @contextmanager
    def expect(self, token: str) -> Iterator[asyncio.Future[Envelope]]:
        """Accept a reply with this token within the block. The first one counts; late ones are ignored."""
        reply: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._replies[token], self._asked[token] = reply, time.time()
        try:
            yield reply
        finally:
            del self._replies[token], self._asked[token]
            if not reply.cancel() and not reply.cancelled():
                reply.exception()  # marks it as retrieved: the request may have ended before its reply was read

    def asked_at(self, token: str) -> float | None:
        """Return when a request began to wait, in seconds since the epoch; None if no request waits."""
        return self._asked.get(token)

    def resolve(self, token: str, result: Envelope | HubError) -> None:
        """Return the reply to the request that waits for it, or raise the error there."""
        reply = self._replies.get(token)
        if reply is None or reply.done():
            return
        if isinstance(result, HubError):
            reply.set_exception(result)
        else:
            reply.set_result(result)

    def fail_all(self, message: str) -> None:
        """Let every waiting request fail with a HubError."""
        for token in self._replies:
            self.resolve(token, HubError(message))
