"""AMQP messages: what their headers say, and what is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

# Headers of our own.
ATTEMPT = "attempt"
ROUTING_KEY = "routing_key"
EXPIRES = "expires_at_ms"
DEDUP_KEY = "dedup_key"
REQUEST = "request_token"
REASON, ORIGIN = "reason", "origin"
_OURS = {ATTEMPT, ROUTING_KEY, EXPIRES}


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


def routing_key_of(message: AbstractIncomingMessage) -> str:
    return str(message.headers.get(ROUTING_KEY) or message.routing_key or "")


def seconds_left(headers: Any) -> float | None:
    """Seconds until a message expires, from its header; None: it does not."""
    expires = headers.get(EXPIRES)
    return max(0.0, int(expires) / 1000 - time.time()) if expires is not None else None


def headers_for_handler(message: AbstractIncomingMessage) -> Mapping[str, str]:
    """What a message was sent with besides its envelope and what the hub itself added."""
    return {name: str(value) for name, value in message.headers.items() if name not in _OURS}
