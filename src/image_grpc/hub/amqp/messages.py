"""AMQP messages: reading the incoming ones, and composing those to publish."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import envelope as envelopes
from image_grpc.hub.handling import IncomingMessage

# Headers of this hub.
ATTEMPT = "attempt"
ROUTING_KEY = "routing_key"
EXPIRES = "expires_at_ms"
DEDUP_KEY = "dedup_key"
REQUEST_TOKEN = "request_token"  # noqa: S105  # not a secret
REASON, ORIGIN = "reason", "origin"
CONTENT_TYPE = "content_type"
"""Original content type of a dead letter that was wrapped in an envelope."""
_INTERNAL_HEADERS = {ATTEMPT, ROUTING_KEY, EXPIRES}
_DELIVERY_COUNT = "x-delivery-count"
_BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", _DELIVERY_COUNT, "x-acquired-count")
"""Prefixes of the broker's records about a message. In a republished message they would be taken for its own."""

TRANSIENT = aio_pika.DeliveryMode.NOT_PERSISTENT
PERSISTENT = aio_pika.DeliveryMode.PERSISTENT
MAX_EXPIRATION_SECONDS = (2**32 - 1) / 1000
"""The broker closes the channel of a message with a longer one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A message to publish, with its destination."""

    exchange: str = ""
    routing_key: str
    mandatory: bool = True
    body: bytes
    content_type: str
    headers: HeadersType
    correlation_id: str = ""
    type: str = ""
    source_service: str = ""
    reply_to: str = ""
    delivery_mode: aio_pika.DeliveryMode = PERSISTENT

    def message(self) -> aio_pika.Message:
        expires_at, expiration = _expires_at(self.headers), None
        if expires_at is not None:
            expiration = min(max(0.0, expires_at - time.time()), MAX_EXPIRATION_SECONDS)
        return aio_pika.Message(
            self.body,
            headers=self.headers,
            content_type=self.content_type,
            delivery_mode=self.delivery_mode,
            correlation_id=self.correlation_id or None,
            reply_to=self.reply_to or None,
            expiration=expiration,
            # A new id for every publish: concurrent messages that share one receive each other's returns.
            message_id=str(uuid.uuid4()),
            timestamp=int(time.time()),
            type=self.type or None,
            app_id=self.source_service or None,
        )


def publication(message: OutboundMessage, *, reply_to: str = "", correlation_id: str = "") -> Publication:
    """Return the publication of an envelope; `correlation_id` overrides that of the envelope."""
    envelope = message.envelope
    body, content_type = envelopes.encode(envelope)
    headers: HeadersType = {DEDUP_KEY: envelope.id, ROUTING_KEY: message.routing_key, **message.headers}
    expires_at = envelopes.expires_at(envelope)
    if expires_at is not None:
        headers[EXPIRES] = int(expires_at * 1000)
    return Publication(
        exchange=message.exchange,
        routing_key=message.routing_key,
        mandatory=message.mandatory,
        body=body,
        content_type=content_type,
        headers=headers,
        correlation_id=correlation_id or envelope.correlation_id,
        type=envelope.type,
        source_service=envelope.source_service,
        reply_to=reply_to,
        # A request whose sender is waiting need not survive a restart of the broker.
        delivery_mode=TRANSIENT if reply_to else PERSISTENT,
    )


def reply_publication(
    envelope: Envelope, *, reply_to: str, headers: Mapping[str, object], correlation_id: str
) -> Publication:
    """Return the publication of a reply to a request with these headers."""
    message = OutboundMessage(routing_key=reply_to, envelope=envelope)
    if REQUEST_TOKEN in headers:
        message.headers[REQUEST_TOKEN] = str(headers[REQUEST_TOKEN])
    return publication(message, correlation_id=correlation_id)


def incoming_message(message: AbstractIncomingMessage, queue: str) -> IncomingMessage:
    """Return a broker's message in the form that every hub handles."""
    return IncomingMessage(
        body=message.body,
        content_type=message.content_type or envelopes.JSON,
        queue=queue,
        routing_key=routing_key(message),
        attempt=attempt(message),
        redelivered=bool(message.redelivered),
        previous_deliveries=_previous_deliveries(message),
        expires_at=_expires_at(message.headers),
        reply_to=message.reply_to or "",
        headers=handler_headers(message),
        properties=envelope_properties(message),
    )


def attempt(message: AbstractIncomingMessage) -> int:
    value = message.headers.get(ATTEMPT)
    return value if isinstance(value, int) else 1


def _previous_deliveries(message: AbstractIncomingMessage) -> int:
    """Return the delivery count of a quorum queue."""
    count = message.headers.get(_DELIVERY_COUNT)
    return count if isinstance(count, int) else 0


def forwarded_headers(message: AbstractIncomingMessage) -> HeadersType:
    """Return the headers that a message keeps when it is republished: all but those of the broker."""
    return {name: value for name, value in message.headers.items() if not name.startswith(_BROKER_HEADERS)}


def routing_key(message: AbstractIncomingMessage) -> str:
    """Return the routing key of the original publish."""
    return str(message.headers.get(ROUTING_KEY) or message.routing_key or "")


def envelope_id(message: AbstractIncomingMessage) -> str:
    """Return the id of the envelope, or the message id if the publisher did not set the hub's header."""
    return str(message.headers.get(DEDUP_KEY) or message.message_id or "")


def envelope_properties(message: AbstractIncomingMessage) -> Envelope:
    """Return the envelope fields from the message's properties. The type defaults to the routing key."""
    properties = Envelope(
        id=envelope_id(message),
        correlation_id=message.correlation_id or "",
        source_service=message.app_id or "",
        type=message.type or routing_key(message),
    )
    if message.timestamp is not None:
        properties.timestamp.FromDatetime(message.timestamp)
    if isinstance(message.expiration, int | float):
        properties.time_to_live.FromMilliseconds(int(message.expiration * 1000))
    return properties


def handler_headers(message: AbstractIncomingMessage) -> Mapping[str, str]:
    """Return the headers for the handler: all but the hub's internal ones."""
    return {name: str(value) for name, value in message.headers.items() if name not in _INTERNAL_HEADERS}


def _expires_at(headers: HeadersType) -> float | None:
    expires = headers.get(EXPIRES)
    return expires / 1000 if isinstance(expires, int) else None  # any publisher may send another type
