"""AMQP messages: reading the incoming ones, and composing those to publish."""

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode, HeadersType
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import Delivery
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.handling import IncomingMessage
from image_grpc.hub.topology import ROUTING_KEY

# Headers of this hub.
ATTEMPT = "attempt"
EXPIRES = "expires_at_ms"
DEDUP_KEY = "dedup_key"
REQUEST_TOKEN = "request_token"  # noqa: S105  # not a secret
CONTENT_TYPE = "content_type"
"""Original content type of a dead letter that was wrapped in an envelope."""
_INTERNAL_HEADERS = {ATTEMPT, ROUTING_KEY, EXPIRES}
_DELIVERY_COUNT = "x-delivery-count"
_ROUTING_HEADERS = ("CC", "BCC")
"""The broker would route a message to these as well."""
_BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", _DELIVERY_COUNT, "x-acquired-count")
"""Prefixes of the broker's records about a message. In a republished message they would be taken for its own."""

MAX_ATTEMPT = 1_000_000
"""Any publisher may claim a higher one, and its successor must remain a valid header."""
MAX_EXPIRATION_MS = 2**32 - 1
"""The broker closes the channel of a message with a longer one."""


def encoded(
    message: OutboundMessage, *, reply_to: str = "", correlation_id: str = "", token: str = ""
) -> aio_pika.Message:
    """Return the message with an encoded envelope; `correlation_id` overrides that of the envelope.

    `token` identifies a request.
    """
    envelope = message.envelope
    body, content_type = envelopes.encode(envelope)
    own = {name: value for name, value in message.headers.items() if name not in _ROUTING_HEADERS}
    headers: HeadersType = {DEDUP_KEY: envelope.id, ROUTING_KEY: message.routing_key, **own}
    if token:
        headers[REQUEST_TOKEN] = token
    expires_at = envelopes.expires_at(envelope)
    if expires_at is not None:
        headers[EXPIRES] = int(expires_at * 1000)
    return aio_pika.Message(
        body,
        headers=headers,
        content_type=content_type,
        correlation_id=correlation_id or envelope.correlation_id or None,
        type=envelope.type or None,
        app_id=envelope.source_service or None,
        reply_to=reply_to or None,
        # A request whose sender is waiting need not survive a restart of the broker.
        delivery_mode=DeliveryMode.NOT_PERSISTENT if reply_to else DeliveryMode.PERSISTENT,
    )


def forwarded(
    message: AbstractIncomingMessage, body: bytes, content_type: str, headers: HeadersType, *, drop: Sequence[str] = ()
) -> aio_pika.Message:
    """Return a message that moves elsewhere with its properties and its headers, except those of the broker."""
    kept = {
        name: value
        for name, value in message.headers.items()
        if not name.startswith(_BROKER_HEADERS) and name not in (*_ROUTING_HEADERS, *drop)
    }
    return aio_pika.Message(
        body,
        headers={**kept, DEDUP_KEY: envelope_id(message), **headers},
        content_type=content_type,
        correlation_id=message.correlation_id,
        type=message.type,
        app_id=message.app_id,
        reply_to=message.reply_to,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def bare(message: AbstractIncomingMessage, headers: HeadersType) -> aio_pika.Message:
    """Return a message without the properties and headers, for messages in which these cannot be forwarded."""
    content_type = message.content_type if message.content_type in (envelopes.JSON, envelopes.PROTOBUF) else None
    return aio_pika.Message(
        message.body, headers=headers, content_type=content_type, delivery_mode=DeliveryMode.PERSISTENT
    )


def stamp(message: aio_pika.Message) -> None:
    """Set the properties that are new for every publish."""
    message.message_id = str(uuid.uuid4())  # concurrent messages that share one receive each other's returns
    message.timestamp = datetime.now(UTC)
    if (expires_at := _expiry_header(message.headers)) is not None:
        message.expiration = min(max(0.0, expires_at - time.time()), MAX_EXPIRATION_MS / 1000)


def incoming_message(message: AbstractIncomingMessage, queue: str) -> IncomingMessage:
    """Return a broker's message in the form that every hub handles. Quorum queues count their deliveries."""
    properties = envelope_properties(message)
    delivery = Delivery(
        envelope=properties,
        queue=queue,
        routing_key=routing_key(message),
        attempt=max(1, min(_integer(message.headers, ATTEMPT, default=1), MAX_ATTEMPT)),
        redelivered=bool(message.redelivered),
        reply_to=message.reply_to or "",
        reply_correlation_id=properties.correlation_id,
        headers={name: str(value) for name, value in message.headers.items() if name not in _INTERNAL_HEADERS},
    )
    return IncomingMessage(
        body=message.body,
        content_type=message.content_type or envelopes.JSON,
        delivery=delivery,
        previous_deliveries=_integer(message.headers, _DELIVERY_COUNT, default=0),
        expires_at=_expires_at(message),
        content_encoding=message.content_encoding or "",
    )


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
        properties.timestamp.FromSeconds(int(message.timestamp.timestamp()))  # AMQP's resolution
    if isinstance(message.expiration, int | float):
        properties.time_to_live.FromMilliseconds(int(message.expiration * 1000))
    return properties


def _expires_at(message: AbstractIncomingMessage) -> float | None:
    """Return when a message expires by this host's clock, in seconds since the epoch; None: never.

    An AMQP expiration starts on arrival, because the broker has counted the time in the queue; the sender's clock may
    differ. A retried message has lost it, and carries the time at which it expires for the host that returned it.
    """
    if isinstance(message.expiration, int | float):
        return time.time() + message.expiration
    return _expiry_header(message.headers)


def _expiry_header(headers: HeadersType) -> float | None:
    expires = headers.get(EXPIRES)
    return expires / 1000 if isinstance(expires, int) else None


def _integer(headers: HeadersType, name: str, *, default: int) -> int:
    value = headers.get(name)
    return value if isinstance(value, int) else default  # any publisher may send another type
