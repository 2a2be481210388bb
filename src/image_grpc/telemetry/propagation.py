"""Passes the W3C trace context between processes."""

from collections.abc import Mapping

from opentelemetry import propagate
from opentelemetry.context import Context


def inject() -> dict[str, str]:
    """Return the trace context of the current span as headers; empty without a span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def extract(headers: Mapping[str, str] | None) -> Context | None:
    """Return the trace context that the headers carry, or None if they carry none."""
    return propagate.extract(dict(headers)) if headers and "traceparent" in headers else None
