"""Moves messages that a consumer did not acknowledge to the retry ladder or to the dead letters."""

from aio_pika.abc import AbstractIncomingMessage, HeadersType

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.hub.amqp.messages import (
    ATTEMPT,
    CONTENT_TYPE,
    DEDUP_KEY,
    EXPIRES,
    ORIGIN,
    REASON,
    ROUTING_KEY,
    Publication,
    attempt,
    envelope_id,
    envelope_properties,
    forwarded_headers,
    reply_publication,
    routing_key,
)
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.port import Outcome
from image_grpc.retry import LADDER

TIMEOUT_SECONDS = 10.0


class Forwarder:
    """Republishes messages. Each method returns whether the broker has confirmed it."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def retry(self, message: AbstractIncomingMessage, queue: str, delay: float) -> bool:
        """Put a message on the retry ladder; it returns to `queue` after at least `delay` seconds."""
        headers = _identified_headers(message) | {ATTEMPT: attempt(message) + 1}
        return await self._publish(
            forwarded(
                message,
                headers,
                exchange=retry_name(LADDER.round_up(delay)),
                routing_key=queue,
                body=message.body,
                content_type=message.content_type or "",
            )
        )

    async def dead_letter(self, message: AbstractIncomingMessage, queue: str, reason: str) -> bool:
        """Put a message into the dead letter queue, wrapped in an envelope if it is none."""
        headers = _identified_headers(message) | {REASON: reason, ORIGIN: queue}
        for name in (EXPIRES, ATTEMPT):
            headers.pop(name, None)
        body, content_type = envelopes.ensure_envelope(
            message.body, message.content_type or "", envelope_properties(message)
        )
        if body is not message.body:
            headers[CONTENT_TYPE] = message.content_type or ""
        return await self._publish(
            forwarded(message, headers, routing_key=topology.DEAD_QUEUE, body=body, content_type=content_type)
        )

    async def reject(self, message: AbstractIncomingMessage, reason: str) -> bool:
        """Reply to the sender of a request that it cannot be decoded."""
        properties = envelope_properties(message)
        return await self._publish(
            reply_publication(
                envelopes.unreadable_reply(properties, message.content_type or "", reason),
                reply_to=message.reply_to or "",
                headers=message.headers,
                correlation_id=properties.correlation_id,
            )
        )

    async def _publish(self, publication: Publication) -> bool:
        return await self._publisher.publish(publication, timeout=TIMEOUT_SECONDS) is Outcome.CONFIRMED


def forwarded(
    message: AbstractIncomingMessage,
    headers: HeadersType,
    *,
    exchange: str = topology.DEFAULT_EXCHANGE,
    routing_key: str,
    body: bytes,
    content_type: str,
) -> Publication:
    """Return the publication of a message that moves elsewhere with its properties."""
    return Publication(
        exchange=exchange,
        routing_key=routing_key,
        body=body,
        content_type=content_type,
        headers=headers,
        correlation_id=message.correlation_id or "",
        type=message.type or "",
        source_service=message.app_id or "",
        reply_to=message.reply_to or "",
    )


def _identified_headers(message: AbstractIncomingMessage) -> HeadersType:
    """Return a message's headers, with those that identify it added if its publisher did not set them."""
    return forwarded_headers(message) | {ROUTING_KEY: routing_key(message), DEDUP_KEY: envelope_id(message)}
