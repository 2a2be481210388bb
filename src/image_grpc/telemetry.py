"""Traces and metrics: their names, and what is counted."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from image_grpc.errors import ServiceError

SCOPE = "image_grpc"

# Spans. The span of an RPC has the name of its method, `tabletop.image.v1.ImageService/GetImage`.
SPAN_GENERATE = "generation.generate"
SPAN_STORE = "generation.store"
SPAN_GETIMG_GENERATE = "getimg.generate"
SPAN_GETIMG_DOWNLOAD = "getimg.download"
SPAN_BRIDGE = "bridge."
"""Prefix of the method or event."""

# Attributes. The first four are semantic conventions of OpenTelemetry.
ATTR_RPC_SYSTEM = "rpc.system.name"
ATTR_RPC_METHOD = "rpc.method"
ATTR_RPC_STATUS = "rpc.response.status_code"
ATTR_ERROR_TYPE = "error.type"
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

_NO_SPAN = nullcontext(INVALID_SPAN)


@dataclass(slots=True)
class Counters:
    """Totals since the process started."""

    images_generated: int = 0
    generations_failed: int = 0
    generations_unfinished: int = 0
    """Jobs that this process has accepted and not finished."""
    generations_stalled: int = 0
    """Generations of all processes that were queued again because nothing happened, and are still unfinished."""
    generations_requeued: int = 0
    cost: Decimal = Decimal(0)
    """What GetImg.AI charged for the pictures, in USD."""
    oldest_unfinished: float | None = None
    """When the oldest of the generations was created that are unfinished for long, in seconds since 1970."""
    interrupted_calls: int = 0
    """Calls of GetImg.AI that were found interrupted, because their process had ended. They may have been billed."""
    interrupted_cost: Decimal = Decimal(0)
    """Their expected cost, in USD."""
    audit_entries_lost: int = 0
    """Entries of the audit log about failed calls that were too many to store."""
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def error_rate(self) -> float:
        """Share of the finished generations that failed, 0 to 1."""
        return _share(self.generations_failed, self.generations_failed + self.images_generated)

    @property
    def cache_hit_rate(self) -> float:
        """Share of the reads that the cache served, 0 to 1."""
        return _share(self.cache_hits, self.cache_hits + self.cache_misses)

    @property
    def oldest_unfinished_age(self) -> float:
        """Age of the oldest unfinished generation in seconds; 0 if none is older than those that may be stalled."""
        return time.time() - self.oldest_unfinished if self.oldest_unfinished is not None else 0.0


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0


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

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(SCOPE)
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
        attributes: Mapping[str, str] | None = None,
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

    @contextmanager
    def track_storage_operation(self, operation: str, storage_correlation_id: str) -> Iterator[StorageOperation]:
        """Record an operation of the Storage Service: its span, and its duration, bytes and outcome as metrics."""
        tracked, outcome, started = StorageOperation(), "ok", time.perf_counter()
        with self.span(f"storage.{operation}") as span:
            span.set_attribute(ATTR_STORAGE_CORRELATION_ID, storage_correlation_id)
            try:
                yield tracked
            except BaseException as failure:
                outcome = failure.reason if isinstance(failure, ServiceError) else type(failure).__name__
                raise
            finally:
                attributes = {ATTR_OPERATION: operation, ATTR_OUTCOME: outcome}
                self.storage_duration.record(time.perf_counter() - started, attributes)
                self.storage_bytes.add(tracked.bytes, attributes)


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
