"""From a message's bytes to its settlement, the same on every hub."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.hub import envelope as envelopes
from image_grpc.hub.port import MAX_FAULTS, DeadLetter, Delivery, Handler, Retry, Settlement, Unreadable

log = structlog.get_logger(__name__)


async def settlement_of(
    handler: Handler,
    body: bytes,
    content_type: str,
    *,
    queue: str,
    routing_key: str,
    attempt: int,
    redelivered: bool,
    reply_to: str,
    headers: Mapping[str, str],
    properties: Envelope | None = None,
) -> Settlement:
    """What shall become of a message, after the handler had it. Raises nothing but CancelledError."""
    try:
        envelope = envelopes.decode(body, content_type, properties)
        return await handler(
            Delivery(
                envelope=envelope,
                queue=queue,
                routing_key=routing_key,
                attempt=attempt,
                redelivered=redelivered,
                reply_to=reply_to,
                reply_correlation_id=properties.correlation_id if properties else "",
                headers=headers,
            )
        )
    except envelopes.BadEnvelope as problem:
        return Unreadable(str(problem))
    except Exception as bug:
        log.exception("handler failed", queue=queue, routing_key=routing_key, attempt=attempt)
        if attempt >= MAX_FAULTS:
            return DeadLetter(f"handler failed {attempt} times: {type(bug).__name__}")
        return Retry(0, "handler failed")
