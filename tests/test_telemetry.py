"""Metrics and traces as a collector receives them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import grpc
import pytest
from opentelemetry import metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from image_grpc.errors import StorageServiceError
from image_grpc.telemetry import METRIC_STORAGE_BYTES, METRIC_STORAGE_DURATION, Telemetry
from image_grpc.telemetry_counters import Counters


def test_a_storage_operation_is_measured_by_name_and_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider(metric_readers=[reader]).get_meter)
    telemetry = Telemetry()
    for size in (30, 12):
        with telemetry.track_storage_operation("image.storage.store", "an id") as tracked:
            tracked.bytes += size
    with pytest.raises(StorageServiceError):
        fail(telemetry, "image.storage.list", 7)
    assert {(names, point.count) for names, point in points(reader, METRIC_STORAGE_DURATION)} == {
        (("image.storage.store", "ok"), 2),
        (("image.storage.list", "STORAGE_SERVICE_ERROR"), 1),
    }
    assert {(names, point.value) for names, point in points(reader, METRIC_STORAGE_BYTES)} == {
        (("image.storage.store", "ok"), 42),
        (("image.storage.list", "STORAGE_SERVICE_ERROR"), 7),
    }


def fail(telemetry: Telemetry, operation: str, size: int) -> None:
    with telemetry.track_storage_operation(operation, "an id") as tracked:
        tracked.bytes += size
        raise StorageServiceError("unavailable")


def points(reader: InMemoryMetricReader, name: str) -> list[tuple[tuple[Any, Any], Any]]:
    """Return operation and outcome with each data point of a metric."""
    data: Any = reader.get_metrics_data()
    return [
        ((point.attributes["tabletop.operation"], point.attributes["tabletop.outcome"]), point)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_metrics_report_the_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider(metric_readers=[reader]).get_meter)
    telemetry = Telemetry()
    telemetry.counters.images_generated, telemetry.counters.generations_failed = 3, 1
    telemetry.counters.cache_hits, telemetry.counters.cache_misses = 5, 2
    telemetry.counters.generations_unfinished, telemetry.counters.cost = 4, Decimal("0.1")
    telemetry.counters.audit_entries_lost = 7
    telemetry.counters.interrupted_calls, telemetry.counters.interrupted_cost = 6, Decimal("0.03")
    telemetry.counters.generations_requeued, telemetry.counters.generations_stalled = 2, 1
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    telemetry.counters.oldest_unfinished = 970.0
    data: Any = reader.get_metrics_data()
    values = {
        metric.name: metric.data.data_points[0].value
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    assert values == {
        "tabletop.images.generated": 3,
        "tabletop.generations.failed": 1,
        "tabletop.generations.unfinished": 4,
        "tabletop.generations.requeued": 2,
        "tabletop.getimg.cost": 0.1,
        "tabletop.getimg.interrupted_calls": 6,
        "tabletop.getimg.interrupted_cost": 0.03,
        "tabletop.generations.stalled": 1,
        "tabletop.generations.oldest_unfinished.age": 30.0,
        "tabletop.audit.entries.lost": 7,
        "tabletop.cache.hits": 5,
        "tabletop.cache.misses": 2,
    }


def test_rates_are_zero_before_anything_happened() -> None:
    assert (Counters().error_rate, Counters().cache_hit_rate) == (0.0, 0.0)
    assert Counters(images_generated=3, generations_failed=1).error_rate == 0.25
    assert Counters(cache_hits=1, cache_misses=3).cache_hit_rate == 0.25


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Records the names of the spans that it receives."""

    def __init__(self) -> None:
        self.spans: list[str] = []

    def Export(self, request: Any, context: Any) -> Any:
        self.spans += [
            span.name for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        return trace_service_pb2.ExportTraceServiceResponse()


SPAN = """
from opentelemetry import trace
from image_grpc.telemetry import Telemetry
from image_grpc.telemetry_setup import set_up_providers
set_up_providers("otlp", "1")
with Telemetry().track_storage_operation("image.storage.list", "an id"):
    pass
trace.get_tracer_provider().shutdown()
"""


async def test_spans_are_exported_to_the_collector_in_the_environment() -> None:
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SPAN),
            env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"},
            stderr=asyncio.subprocess.DEVNULL,  # no service receives the metrics
        )
        assert await process.wait() == 0
    finally:
        server.stop(None)
    assert collector.spans == ["storage.image.storage.list"]
