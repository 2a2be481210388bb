"""The hub message that causes calls, and the metadata that they carry because of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from image_grpc.hub import Delivery
from image_grpc.idempotency import derived_id
from image_grpc.telemetry import inject

TRACE_HEADERS = ("traceparent", "tracestate")
CORRELATION_ID = "x-correlation-id"
REQUEST_ID = "x-request-id"
_VALID_METADATA = re.compile(r"[ -~]{1,512}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The message that calls are made for."""

    message_id: str
    correlation_id: str
    headers: Mapping[str, str]
    """The message's headers, including its W3C trace context."""

    @classmethod
    def of(cls, delivery: Delivery) -> Cause:
        """Return a delivery as the cause of calls, with new ids in place of missing ones."""
        message_id = delivery.envelope.id or str(uuid.uuid4())
        correlation_id = delivery.envelope.correlation_id or message_id
        return cls(message_id=message_id, correlation_id=correlation_id, headers=delivery.headers)

    @property
    def request_id(self) -> str:
        """The message id as a UUID, the form that the API requires."""
        try:
            return str(uuid.UUID(self.message_id))
        except ValueError:
            return derived_id(self.message_id)

    def trace(self) -> dict[str, str]:
        """Return the W3C trace context of the current span, or that of the message if tracing is off."""
        return inject() or {name: self.headers[name] for name in TRACE_HEADERS if name in self.headers}

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a call."""
        metadata = {CORRELATION_ID: self.correlation_id, REQUEST_ID: self.message_id} | self.trace()
        # The values come from any publisher, and gRPC fails calls with invalid ones.
        return tuple((name, value) for name, value in metadata.items() if _VALID_METADATA.fullmatch(value))
