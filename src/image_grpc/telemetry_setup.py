"""Where traces and metrics go. Only programs that send them anywhere import this: the SDK takes a while."""

import sys
from typing import Literal

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

Exporter = Literal["none", "console", "otlp"]


def set_up_providers(exporter: Exporter, version: str, *, prometheus_listen: str | None = None) -> None:
    """Set the global tracer and meter providers.

    The destination of `otlp` comes from OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`. A
    Prometheus server reads the metrics at `prometheus_listen`. Raises OSError if the address cannot be bound.
    """
    resource = Resource.create({"service.name": "image-service", "service.version": version})
    readers: list[MetricReader] = []
    if exporter != "none":
        span_exporter, metric_exporter = _exporters(exporter)
        tracer_provider = TracerProvider(resource=resource)
        tracer_provider.add_span_processor(BatchSpanProcessor(span_exporter))
        trace.set_tracer_provider(tracer_provider)
        readers.append(PeriodicExportingMetricReader(metric_exporter))
    if prometheus_listen is not None:
        readers.append(_prometheus_reader(prometheus_listen))
    if readers:
        metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))


def _prometheus_reader(listen: str) -> MetricReader:
    """Return a reader whose metrics a thread serves over HTTP."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import start_http_server

    host, _, port = listen.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
    return PrometheusMetricReader()


def _exporters(exporter: Literal["console", "otlp"]) -> tuple[SpanExporter, MetricExporter]:
    if exporter == "console":
        return ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), OTLPMetricExporter()
