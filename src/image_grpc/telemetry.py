"""Names of all spans, metrics and attributes, what is counted, and the set-up of logs and providers."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import orjson
import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from image_grpc.correlation import current_correlation_id
from image_grpc.errors import ServiceError

SCOPE = "image_grpc"

# Spans. An RPC's span is named by its method, `tabletop.image.v1.ImageService/GetImage`.
SPAN_GENERATE = "generation.generate"
SPAN_STORE = "generation.store"
SPAN_GETIMG_GENERATE = "getimg.generate"
SPAN_GETIMG_DOWNLOAD = "getimg.download"
SPAN_STORAGE = "storage."  # and the operation
SPAN_BRIDGE = "bridge."  # and the method or the event

# Attributes; the first four are OpenTelemetry's semantic conventions.
ATTR_RPC_SYSTEM = "rpc.system.name"
ATTR_RPC_METHOD = "rpc.method"
ATTR_RPC_STATUS = "rpc.response.status_code"
ATTR_ERROR_TYPE = "error.type"
ATTR_GENERATION_ID = "tabletop.generation_id"
ATTR_STORAGE_CORRELATION_ID = "tabletop.storage_correlation_id"
ATTR_OPERATION = "tabletop.operation"
ATTR_OUTCOME = "tabletop.outcome"

# Metrics.
METRIC_RPC_DURATION = "rpc.server.call.duration"
METRIC_STORAGE_DURATION = "tabletop.storage.operation.duration"
METRIC_STORAGE_BYTES = "tabletop.storage.operation.bytes"
METRIC_GETIMG_DURATION = "tabletop.getimg.call.duration"
METRIC_IMAGES_GENERATED = "tabletop.images.generated"
METRIC_GENERATIONS_FAILED = "tabletop.generations.failed"
METRIC_GENERATION_QUEUE = "tabletop.generations.unfinished"
METRIC_CACHE_HITS = "tabletop.cache.hits"
METRIC_CACHE_MISSES = "tabletop.cache.misses"
METRIC_BRIDGE_MESSAGES = "tabletop.bridge.messages"


@dataclass(slots=True)
class Counters:
    """What this process has done since it started; GetStatus reports it, and the metrics read it."""

    images_generated: int = 0
    generations_failed: int = 0
    generations_unfinished: int = 0
    """Jobs that this process has taken and not ended."""
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def error_rate(self) -> float:
        """Part of the ended generations that failed, 0 to 1."""
        return _part(self.generations_failed, self.generations_failed + self.images_generated)

    @property
    def cache_hit_rate(self) -> float:
        """Part of the reads that the cache answered, 0 to 1."""
        return _part(self.cache_hits, self.cache_hits + self.cache_misses)


def _part(some: int, of: int) -> float:
    return some / of if of else 0.0


class Telemetry:
    """The tracer, the instruments and the counters of one process."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(SCOPE)
        self._recording = isinstance(trace.get_tracer_provider(), TracerProvider)
        meter = metrics.get_meter(SCOPE)
        self.counters = counters = Counters()
        self.rpc_duration = meter.create_histogram(METRIC_RPC_DURATION, "s")
        self.storage_duration = meter.create_histogram(METRIC_STORAGE_DURATION, "s")
        self.storage_bytes = meter.create_counter(METRIC_STORAGE_BYTES, "By")
        self.bridge_messages = meter.create_counter(METRIC_BRIDGE_MESSAGES)
        self.getimg_duration = meter.create_histogram(METRIC_GETIMG_DURATION, "s")
        for name, field in (
            (METRIC_IMAGES_GENERATED, "images_generated"),
            (METRIC_GENERATIONS_FAILED, "generations_failed"),
            (METRIC_CACHE_HITS, "cache_hits"),
            (METRIC_CACHE_MISSES, "cache_misses"),
        ):
            meter.create_observable_counter(name, [_observe(counters, field)])
        meter.create_observable_up_down_counter(
            METRIC_GENERATION_QUEUE, [_observe(counters, "generations_unfinished")]
        )

    def span(
        self,
        name: str,
        *,
        parent: Mapping[str, str] | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """A span around a block, below that of the W3C headers `parent` if they name one."""
        if not self._recording:  # the library's own way to do nothing costs 8 microseconds
            return _NO_SPAN
        context = propagate.extract(dict(parent)) if parent and "traceparent" in parent else None
        return self._tracer.start_as_current_span(
            name, context=context, kind=kind, attributes=attributes, set_status_on_exception=False
        )

    @contextmanager
    def track_storage_operation(self, operation: str, storage_correlation_id: str) -> Iterator[StorageOperation]:
        """A span around an operation of the Storage Service, and its duration, bytes and outcome as metrics."""
        tracked, outcome, started = StorageOperation(), "ok", time.perf_counter()
        with self.span(SPAN_STORAGE + operation) as span:
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


@dataclass(slots=True)
class StorageOperation:
    """One that is under way."""

    bytes: int = 0
    """Size of the request, and of the answer once it is there."""


_NO_SPAN = nullcontext(INVALID_SPAN)


class _observe:
    """Reads a counter when the metrics are collected."""

    def __init__(self, counters: Counters, field: str) -> None:
        self._counters, self._field = counters, field

    def __call__(self, options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(getattr(self._counters, self._field))


def inject() -> dict[str, str]:
    """The W3C trace context of the current span as headers; empty if there is none."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def set_up_providers(exporter: Literal["none", "console", "otlp"], version: str) -> None:
    """Sets the process's OpenTelemetry providers. `none` leaves the ones that record nothing; where `otlp` goes,
    OpenTelemetry's own variables say, `OTEL_EXPORTER_OTLP_ENDPOINT` and its like."""
    if exporter == "none":
        return
    spans, figures = _exporters(exporter)
    resource = Resource.create({"service.name": "image-service", "service.version": version})
    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(tracer_provider)
    reader = PeriodicExportingMetricReader(figures)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def _exporters(name: Literal["console", "otlp"]) -> tuple[SpanExporter, MetricExporter]:
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), OTLPMetricExporter()


def set_up_logs(level: str) -> None:
    """One JSON object a line on standard error: `timestamp`, `level`, `event`, the work's `correlation_id`, and
    what the line says besides."""
    shared: list[structlog.types.Processor] = [
        _add_correlation_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries are heard when something is wrong; their chatter names keys and signed URLs.
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # It warns of each line of a damaged picture, and then raises.
    logging.getLogger("pyvips").setLevel(logging.ERROR)


def _add_correlation_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if id_ := current_correlation_id():
        event["correlation_id"] = id_
    return event
