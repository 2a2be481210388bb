"""Sets up the OpenTelemetry providers of a process."""

import sys
from typing import Literal

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter


def set_up_providers(exporter: Literal["none", "console", "otlp"], version: str) -> None:
    """Set the global tracer and meter providers; `none` keeps the defaults, which record nothing.

    The destination of `otlp` comes from OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`.
    """
    if exporter == "none":
        return
    span_exporter, metric_exporter = _exporters(exporter)
    resource = Resource.create({"service.name": "image-service", "service.version": version})
    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(span_exporter))
    trace.set_tracer_provider(tracer_provider)
    reader = PeriodicExportingMetricReader(metric_exporter)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def _exporters(name: Literal["console", "otlp"]) -> tuple[SpanExporter, MetricExporter]:
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), OTLPMetricExporter()
