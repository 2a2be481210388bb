"""AMQP messages: what their headers say, and what is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from tabletop.hub.v1.envelope_pb2 import Envelope

# Headers of our own.
ATTEMPT = "attempt"
ROUTING_KEY = "routing_key"
EXPIRES = "expires_at_ms"
DEDUP_KEY = "dedup_key"
REQUEST = "request_token"
REASON, ORIGIN = "reason", "origin"
CONTENT_TYPE = "content_type"
"""Of a dead letter that had to be wrapped to be readable: what it was."""
_OURS = {ATTEMPT, ROUTING_KEY, EXPIRES}
DELIVERY_COUNT = "x-delivery-count"
_BROKERS = ("x-death", "x-first-death-", "x-last-death-", DELIVERY_COUNT, "x-acquired-count")
"""What a broker notes of a message. Published again, it would be taken for what happened to the new one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """What is published: bytes, and the properties that tell of the envelope in them."""

    data: bytes
    content_type: str
    correlation_id: str = ""
    type: str = ""
    source_service: str = ""


def attempt_of(message: AbstractIncomingMessage) -> int:
    attempt = message.headers.get(ATTEMPT)
    return attempt if isinstance(attempt, int) else 1


def deliveries_of(message: AbstractIncomingMessage) -> int:
    """How often it was delivered before, as quorum queues count."""
    count = message.headers.get(DELIVERY_COUNT)
    return count if isinstance(count, int) else 0


def headers_to_pass_on(message: AbstractIncomingMessage) -> dict[str, Any]:
    """All but what the broker noted."""
    return {name: value for name, value in message.headers.items() if not name.startswith(_BROKERS)}


def routing_key_of(message: AbstractIncomingMessage) -> str:
    return str(message.headers.get(ROUTING_KEY) or message.routing_key or "")


def id_of(message: AbstractIncomingMessage) -> str:
    """What it is known by: its envelope's id, or what a client without our headers gave it."""
    return str(message.headers.get(DEDUP_KEY) or message.message_id or "")


def properties_of(message: AbstractIncomingMessage) -> Envelope:
    """What the properties say of the envelope, for what it leaves out itself. A request's routing key is its
    type."""
    found = Envelope(
        id=id_of(message),
        correlation_id=message.correlation_id or "",
        source_service=message.app_id or "",
        type=message.type or routing_key_of(message),
    )
    if message.timestamp is not None:
        found.timestamp.FromDatetime(message.timestamp)
    if isinstance(message.expiration, int | float):
        found.time_to_live.FromMilliseconds(int(message.expiration * 1000))
    return found


def seconds_left(headers: Any) -> float | None:
    """Seconds until a message expires, from its header; None: it does not."""
    expires = headers.get(EXPIRES)
    return max(0.0, expires / 1000 - time.time()) if isinstance(expires, int) else None  # anyone may send it


def headers_for_handler(message: AbstractIncomingMessage) -> Mapping[str, str]:
    """What a message was sent with besides its envelope and what the hub itself added."""
    return {name: str(value) for name, value in message.headers.items() if name not in _OURS}
