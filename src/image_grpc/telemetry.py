"""Traces and metrics: their names, and what is counted."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from urllib.parse import urlsplit

from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from image_grpc.errors import ServiceError
from image_grpc.telemetry_counters import Counters

SCOPE = "image_grpc"

# Spans. The span of an RPC has the name of its method, `tabletop.image.v1.ImageService/GetImage`.
SPAN_GENERATE = "generation.generate"
SPAN_STORE = "generation.store"
SPAN_GETIMG_GENERATE = "getimg.generate"
SPAN_GETIMG_DOWNLOAD = "getimg.download"
SPAN_BRIDGE = "bridge."
"""Prefix of the method or event."""

# Attributes. Those outside of `tabletop` are semantic conventions of OpenTelemetry.
ATTR_RPC_SYSTEM = "rpc.system.name"
ATTR_RPC_METHOD = "rpc.method"
ATTR_RPC_STATUS = "rpc.response.status_code"
ATTR_ERROR_TYPE = "error.type"
ATTR_HTTP_METHOD = "http.request.method"
ATTR_HTTP_STATUS = "http.response.status_code"
ATTR_SERVER_ADDRESS = "server.address"
ATTR_SERVER_PORT = "server.port"
ATTR_MESSAGING_SYSTEM = "messaging.system"
ATTR_MESSAGING_OPERATION = "messaging.operation.name"
ATTR_MESSAGING_OPERATION_TYPE = "messaging.operation.type"
ATTR_MESSAGING_DESTINATION = "messaging.destination.name"
ATTR_GENERATION_ID = "tabletop.generation_id"
ATTR_STORAGE_CORRELATION_ID = "tabletop.storage_correlation_id"
ATTR_OPERATION = "tabletop.operation"
ATTR_OUTCOME = "tabletop.outcome"
ATTR_QUEUE = "tabletop.queue"
ATTR_STATE = "tabletop.state"
ATTR_DEPENDENCY = "tabletop.dependency"

# Metrics
METRIC_STORAGE_DURATION = "tabletop.storage.operation.duration"
METRIC_STORAGE_BYTES = "tabletop.storage.operation.bytes"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Bounds of the buckets of durations: those of OpenTelemetry are for milliseconds."""

RPC_SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Status codes that are errors of a server, by the convention for its spans. Others are errors of callers."""
MESSAGING_RABBITMQ, MESSAGING_MEMORY = "rabbitmq", "in_memory"
"""Values of ATTR_MESSAGING_SYSTEM."""

Attributes = Mapping[str, str | int]
_NO_SPAN = nullcontext(INVALID_SPAN)
_PORTS = {"http": 80, "https": 443}


def inject() -> dict[str, str]:
    """Return the trace context of the current span as headers; empty without a span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


@dataclass(slots=True)
class StorageOperation:
    """A running operation of the Storage Service."""

    bytes: int = 0
    """Size of the request, plus that of the response once it has arrived."""


def observe_clock_skew(seconds: Callable[[], float]) -> None:
    """Report how far the clock of another host is ahead of this one's."""
    metrics.get_meter(SCOPE).create_observable_gauge("tabletop.hub.clock_skew", _observing(seconds), "s")


def observe_circuit(is_open: Callable[[], bool]) -> None:
    """Report whether calls of GetImg.AI are suspended because it keeps failing: 1 or 0."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.getimg.circuit_open", _observing(lambda: int(is_open())))


def observe_balance(balance: Callable[[], Decimal | None]) -> None:
    """Report the balance at GetImg.AI in USD, once it is known."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.getimg.balance", _observing_known(balance), "USD")


def observe_cost_difference(difference: Callable[[], Decimal | None]) -> None:
    """Report what GetImg.AI billed for a day beyond what was recorded, in USD, once it is known."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.getimg.cost.difference", _observing_known(difference), "USD")


def observe_queues(depths: Callable[[], Mapping[str, int]]) -> None:
    """Report the number of messages that wait in each queue."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.hub.queue_depth", _observing_each(ATTR_QUEUE, depths), "{message}")


def observe_missing_consumers(missing: Callable[[], Mapping[str, bool]]) -> None:
    """Report whether each queue should have a consumer and has none: 1 or 0."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.hub.missing_consumers", _observing_each(ATTR_QUEUE, missing), "{consumer}")


def observe_generations(counts: Callable[[], Mapping[str, int]]) -> None:
    """Report the number of unfinished generations of all processes in each state."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    gauge("tabletop.generations.current", _observing_each(ATTR_STATE, counts), "{generation}")


def observe_dependencies(problems: Callable[[], Mapping[str, str]]) -> None:
    """Report whether each dependency works: 1, or 0 while it has a problem."""
    gauge = metrics.get_meter(SCOPE).create_observable_gauge
    healthy = _observing_each(ATTR_DEPENDENCY, lambda: {name: int(not text) for name, text in problems().items()})
    gauge("tabletop.dependency.healthy", healthy)


class Telemetry:
    """Creates spans, and holds the instruments and counters."""

    def __init__(self, *, messaging_system: str = MESSAGING_RABBITMQ) -> None:
        self._tracer, self._messaging_system = trace.get_tracer(SCOPE), messaging_system
        self._recording = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
        counters = self.counters = Counters()
        meter = metrics.get_meter(SCOPE)
        duration = partial(meter.create_histogram, unit="s", explicit_bucket_boundaries_advisory=SECONDS)
        self.rpc_duration = duration("rpc.server.call.duration")
        self.storage_duration = duration(METRIC_STORAGE_DURATION)
        self.storage_bytes = meter.create_counter(METRIC_STORAGE_BYTES, "By")
        self.bridge_messages = meter.create_counter("tabletop.bridge.messages")
        self.getimg_duration = duration("tabletop.getimg.call.duration")
        meter.create_observable_counter("tabletop.images.generated", _observing(lambda: counters.images_generated))
        meter.create_observable_counter("tabletop.generations.failed", _observing(lambda: counters.generations_failed))
        meter.create_observable_counter("tabletop.getimg.cost", _observing(lambda: float(counters.cost)), "USD")
        meter.create_observable_counter("tabletop.cache.hits", _observing(lambda: counters.cache_hits))
        meter.create_observable_counter("tabletop.cache.misses", _observing(lambda: counters.cache_misses))
        meter.create_observable_counter(
            "tabletop.getimg.interrupted_calls", _observing(lambda: counters.interrupted_calls)
        )
        meter.create_observable_counter(
            "tabletop.getimg.interrupted_cost", _observing(lambda: float(counters.interrupted_cost)), "USD"
        )
        meter.create_observable_counter(
            "tabletop.generations.requeued", _observing(lambda: counters.generations_requeued)
        )
        meter.create_observable_counter("tabletop.audit.entries.lost", _observing(lambda: counters.audit_entries_lost))
        meter.create_observable_gauge("tabletop.generations.stalled", _observing(lambda: counters.generations_stalled))
        meter.create_observable_gauge(
            "tabletop.generations.oldest_unfinished.age", _observing(lambda: counters.oldest_unfinished_age), "s"
        )
        meter.create_observable_up_down_counter(
            "tabletop.generations.unfinished", _observing(lambda: counters.generations_unfinished)
        )

    def span(
        self,
        name: str,
        *,
        parent: Mapping[str, str] | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
    ) -> AbstractContextManager[Span]:
        """Return a span around a block, a child of the trace context in `parent` or of the current span."""
        if not self._recording:  # OpenTelemetry's own no-op span costs 8 microseconds
            return _NO_SPAN
        context = propagate.extract(dict(parent)) if parent and "traceparent" in parent else None
        # Without exceptions: their texts and causes contain what peers sent, even our own keys.
        return self._tracer.start_as_current_span(
            name,
            context=context,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )

    def consumer_span(
        self, name: str, queue: str, *, parent: Mapping[str, str], attributes: Attributes | None = None
    ) -> AbstractContextManager[Span]:
        """Return a span around the processing of a message, a child of the trace context in its headers."""
        if not self._recording:
            return _NO_SPAN
        messaging = self._messaging("process", queue)
        span = self.span(name, parent=parent, kind=SpanKind.CONSUMER, attributes={**messaging, **(attributes or {})})
        return _noting_failure(span)

    def http_span(self, name: str, method: str, url: str) -> AbstractContextManager[Span]:
        """Return a span around an HTTP request. Only the host of the URL is reported: its query may be a signature."""
        if not self._recording:
            return _NO_SPAN
        parts = urlsplit(url)
        attributes: dict[str, str | int] = {ATTR_HTTP_METHOD: method, ATTR_SERVER_ADDRESS: parts.hostname or ""}
        attributes[ATTR_SERVER_PORT] = parts.port or _PORTS.get(parts.scheme, 0)
        return _noting_failure(self.span(name, kind=SpanKind.CLIENT, attributes=attributes))

    def _storage_span(self, operation: str, storage_correlation_id: str) -> AbstractContextManager[Span]:
        if not self._recording:
            return _NO_SPAN
        attributes = self._messaging("send", operation)
        attributes[ATTR_STORAGE_CORRELATION_ID] = storage_correlation_id
        return _noting_failure(self.span(f"storage.{operation}", kind=SpanKind.CLIENT, attributes=attributes))

    def _messaging(self, operation: str, destination: str) -> dict[str, str | int]:
        return {
            ATTR_MESSAGING_SYSTEM: self._messaging_system,
            ATTR_MESSAGING_OPERATION: operation,
            ATTR_MESSAGING_OPERATION_TYPE: operation,
            ATTR_MESSAGING_DESTINATION: destination,
        }

    @contextmanager
    def track_storage_operation(self, operation: str, storage_correlation_id: str) -> Iterator[StorageOperation]:
        """Record an operation of the Storage Service: its span, and its duration, bytes and outcome as metrics."""
        tracked, outcome, started = StorageOperation(), "ok", time.perf_counter()
        with self._storage_span(operation, storage_correlation_id):
            try:
                yield tracked
            except BaseException as failure:
                outcome = error_type(failure)
                raise
            finally:
                attributes = {ATTR_OPERATION: operation, ATTR_OUTCOME: outcome}
                self.storage_duration.record(time.perf_counter() - started, attributes)
                self.storage_bytes.add(tracked.bytes, attributes)


def error_type(failure: BaseException) -> str:
    """Return the value of ATTR_ERROR_TYPE for a failure: the reason of one of our errors, or the name of its class."""
    return failure.reason if isinstance(failure, ServiceError) else type(failure).__name__


@contextmanager
def _noting_failure(context: AbstractContextManager[Span]) -> Iterator[Span]:
    """Note in the span of a block that the block failed, and why: the HTTP status, if it was that."""
    with context as span:
        try:
            yield span
        except BaseException as failure:
            if isinstance(failure, ServiceError) and (status := failure.metadata.get("http_status")):
                span.set_attribute(ATTR_HTTP_STATUS, int(status))
            received = getattr(span, "attributes", {}).get(ATTR_HTTP_STATUS, 0)
            span.set_attribute(ATTR_ERROR_TYPE, str(received) if received >= 400 else error_type(failure))
            span.set_status(StatusCode.ERROR)
            raise


def _observing(read: Callable[[], float]) -> list[Callable[[CallbackOptions], Iterable[Observation]]]:
    return [lambda _options: [Observation(read())]]


def _observing_known(read: Callable[[], Decimal | None]) -> list[Callable[[CallbackOptions], Iterable[Observation]]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(float(value))] if (value := read()) is not None else []

    return [observe]


def _observing_each(
    attribute: str, read: Callable[[], Mapping[str, int]]
) -> list[Callable[[CallbackOptions], Iterable[Observation]]]:
    return [lambda _options: [Observation(int(value), {attribute: name}) for name, value in read().items()]]
