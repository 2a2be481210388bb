"""Moves messages that a consumer did not acknowledge to the retry ladder or to the dead letters."""

from aio_pika.abc import AbstractIncomingMessage, HeadersType

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp import messages
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.hub.amqp.messages import forwarded
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.port import Outcome
from image_grpc.retry import LADDER

TIMEOUT_SECONDS = 10.0


class Forwarder:
    """Republishes messages."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def retry(self, message: AbstractIncomingMessage, queue: str, delay: float) -> Outcome:
        """Put a message on the retry ladder; it returns to `queue` after at least `delay` seconds."""
        headers = _identified_headers(message) | {messages.ATTEMPT: messages.attempt(message) + 1}
        return await self._publisher.publish(
            forwarded(message, headers, message.body, message.content_type or ""),
            exchange=retry_name(LADDER.round_up(delay)),
            routing_key=queue,
            timeout=TIMEOUT_SECONDS,
        )

    async def dead_letter(self, message: AbstractIncomingMessage, queue: str, reason: str) -> Outcome:
        """Put a message into the dead letter queue, wrapped in an envelope if it is none."""
        headers = _identified_headers(message) | {messages.REASON: reason, messages.ORIGIN: queue}
        for name in (messages.EXPIRES, messages.ATTEMPT):
            headers.pop(name, None)
        original_type = message.content_type or ""
        properties = messages.envelope_properties(message)
        body, content_type = envelopes.ensure_envelope(message.body, original_type, properties)
        if body is not message.body:
            headers[messages.CONTENT_TYPE] = original_type
        return await self._publisher.publish(
            forwarded(message, headers, body, content_type), routing_key=topology.DEAD_QUEUE, timeout=TIMEOUT_SECONDS
        )

    async def reject(self, message: AbstractIncomingMessage, reason: str) -> Outcome:
        """Reply to the sender of a request that it cannot be decoded."""
        properties = messages.envelope_properties(message)
        return await self._publisher.reply(
            envelopes.unreadable_reply(properties, message.content_type or "", reason),
            reply_to=message.reply_to or "",
            headers=message.headers,
            correlation_id=properties.correlation_id,
            timeout=TIMEOUT_SECONDS,
        )


def _identified_headers(message: AbstractIncomingMessage) -> HeadersType:
    """Return a message's headers, with those that identify it added if its publisher did not set them."""
    return messages.forwarded_headers(message) | {
        messages.ROUTING_KEY: messages.routing_key(message),
        messages.DEDUP_KEY: messages.envelope_id(message),
    }
