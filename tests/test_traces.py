"""Spans follow the semantic conventions, and contain no credential."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.status_service_pb2 import GetStatusRequest

from getimg_standin import Fault, FaultKind
from image_grpc import errors
from image_grpc.getimg import Downloader, PictureGone, UrlPolicy
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.telemetry import MESSAGING_MEMORY, MESSAGING_RABBITMQ, RPC_SERVER_ERRORS, Telemetry
from image_grpc_testkit.eventually import eventually
from tests.access.key_servers import key_server
from tests.rpc.small_server import raising, small_server
from tests.service import portrait, running_standin, service
from tests.statuses import failed_call


class Spans:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    async def one(self, name: str) -> ReadableSpan:
        """Wait for a span, and return the first with this name."""
        await eventually(lambda: bool(self.named(name)), f"a span {name}")
        return self.named(name)[0]

    def texts(self) -> str:
        """Return everything that the spans say."""
        return "\n".join(span.to_json() for span in self._exporter.get_finished_spans())


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield Spans(exporter)
    provider.shutdown()


def attributes(span: ReadableSpan, *prefixes: str) -> dict[str, object]:
    """Return the attributes whose names begin with one of the prefixes."""
    return {name: value for name, value in (span.attributes or {}).items() if name.startswith(prefixes)}


def messaging(operation: str, destination: str) -> dict[str, object]:
    return {
        "messaging.system": "in_memory",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
    }


async def test_the_spans_of_a_generation(spans: Spans, tmp_path: Path) -> None:
    async with service(tmp_path) as running:
        generation = await running.generate(portrait())
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED
        await spans.one("generation.store")
        url = urlsplit(running.provider.url)
    server = {"server.address": url.hostname, "server.port": url.port}
    for name, method in (("getimg.generate", "POST"), ("getimg.download", "GET")):
        span = await spans.one(name)
        assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
        expected = {"http.request.method": method, "http.response.status_code": 200, **server}
        assert attributes(span, "http", "server", "error", "url") == expected
    stored = await spans.one("storage.image.storage.store")
    assert stored.kind is SpanKind.CLIENT
    assert attributes(stored, "messaging", "error") == messaging("send", "image.storage.store")
    for name in ("generation.generate", "generation.store"):
        step = await spans.one(name)
        assert step.kind is SpanKind.CONSUMER
        assert attributes(step, "messaging", "error") == messaging("process", "image.generate.normal")
        assert attributes(step, "tabletop") == {"tabletop.generation_id": generation.id}
    texts = spans.texts()
    assert "signature" not in texts
    assert "/images" not in texts


async def test_a_request_over_the_hub_has_a_consumer_span(spans: Spans, tmp_path: Path) -> None:
    async with service(tmp_path) as running:
        type_ = "image.rpc.StatusService.GetStatus"
        envelope = envelopes.protobuf_envelope(type_, GetStatusRequest(), correlation_id="an id")
        request = OutboundMessage(exchange=topology.REQUESTS, routing_key=type_, envelope=envelope)
        await running.running.hub.request(request, timeout=60)
        span = await spans.one("bridge.StatusService.GetStatus")
    assert span.kind is SpanKind.CONSUMER
    assert attributes(span, "messaging", "error") == messaging("process", topology.BRIDGE_REQUESTS_QUEUE)


async def test_a_call_that_getimg_refuses_is_an_error(spans: Spans, tmp_path: Path) -> None:
    async with service(tmp_path) as running:
        running.standin.add_fault(Fault(kind=FaultKind.STATUS, status=400, count=1))
        generation = await running.generate(portrait())
        assert generation.state == GenerationState.GENERATION_STATE_FAILED
        span = await spans.one("getimg.generate")
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span, "http.resp", "error") == {"http.response.status_code": 400, "error.type": "400"}


async def test_downloads_that_fail_are_errors_without_the_signature_of_their_url(spans: Spans) -> None:
    async with running_standin() as provider:
        policy = UrlPolicy(base_url=provider.url, allowed_hosts=())
        downloader = Downloader(Telemetry(), policy, max_bytes=1000, timeout=60)
        with pytest.raises(PictureGone):
            await downloader.download(f"{provider.url}/files/none.png?sentinel=signed")
        gone = await spans.one("getimg.download")
        await downloader.close()
    assert gone.status.status_code is StatusCode.ERROR
    assert attributes(gone, "http.resp", "error") == {"http.response.status_code": 403, "error.type": "403"}

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with key_server(hang) as (url, _):
        downloader = Downloader(Telemetry(), UrlPolicy(base_url=url, allowed_hosts=()), max_bytes=1000, timeout=0.2)
        with pytest.raises(errors.ApiError):
            await downloader.download(f"{url}?sentinel=signed")
        await downloader.close()
    slow = spans.named("getimg.download")[1]
    assert attributes(slow, "http.resp", "error") == {"error.type": "TimeoutError"}
    assert "sentinel" not in spans.texts()


def test_a_storage_operation_that_fails_is_an_error(spans: Spans) -> None:
    for system in (MESSAGING_RABBITMQ, MESSAGING_MEMORY):
        with (
            pytest.raises(errors.StorageServiceError),
            Telemetry(messaging_system=system).track_storage_operation("image.storage.list", "an id"),
        ):
            raise errors.StorageServiceError("unavailable")
    for span, system in zip(spans.named("storage.image.storage.list"), ("rabbitmq", "in_memory"), strict=True):
        assert span.status.status_code is StatusCode.ERROR
        assert attributes(span, "messaging.sys", "error", "tabletop") == {
            "messaging.system": system,
            "error.type": "STORAGE_SERVICE_ERROR",
            "tabletop.storage_correlation_id": "an id",
        }


@pytest.mark.parametrize(
    ("error", "code", "is_error"),
    [
        (errors.DeadlineExceeded("too late"), grpc.StatusCode.DEADLINE_EXCEEDED, True),
        (errors.StorageServiceError("unavailable"), grpc.StatusCode.UNAVAILABLE, True),
        (RuntimeError("a bug"), grpc.StatusCode.INTERNAL, True),
        (errors.InvalidArgument("too long"), grpc.StatusCode.INVALID_ARGUMENT, False),
        (errors.ImageNotFound.with_id("x"), grpc.StatusCode.NOT_FOUND, False),
        (errors.Unauthenticated("unknown"), grpc.StatusCode.UNAUTHENTICATED, False),
        (errors.VersionConflict("changed"), grpc.StatusCode.ABORTED, False),
    ],
    ids=lambda value: value.name if isinstance(value, grpc.StatusCode) else "",
)
async def test_the_span_of_a_call_is_an_error_if_the_server_failed(
    spans: Spans, error: Exception, code: grpc.StatusCode, is_error: bool
) -> None:
    async with small_server(raising(error)) as server:
        assert (await failed_call(server.call())).code is code
        span = await spans.one("tabletop.tests.v1.SmallService/Unary")
    assert span.kind is SpanKind.SERVER
    assert span.status.status_code is (StatusCode.ERROR if is_error else StatusCode.UNSET)
    assert attributes(span, "rpc.resp") == {"rpc.response.status_code": code.name}


def test_the_errors_of_servers_are_those_of_the_convention() -> None:
    """https://opentelemetry.io/docs/specs/semconv/rpc/grpc/"""
    expected = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
    assert expected == RPC_SERVER_ERRORS
    assert {code.name for code in grpc.StatusCode} >= expected


def test_spans_cost_nothing_while_nothing_records_them() -> None:
    telemetry = Telemetry()
    made = {
        id(telemetry.span("one")),
        id(telemetry.http_span("two", "GET", "not even parsed: http://[")),
        id(telemetry.consumer_span("three", "a queue", parent={})),
    }
    assert len(made) == 1
