"""One trace covers a message of another service and the events that it causes."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from image_grpc_testkit.eventually import eventually
from tests.bridge.maps import EVENT, create_overlay, move_event
from tests.bridge.plain import envelope, plain_client, recording
from tests.service import service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_trace_of_a_message_continues_in_the_events_that_it_causes(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    def spans_of(id_: str) -> set[str]:
        return {span.name for span in exporter.get_finished_spans() if f"{span.context.trace_id:032x}" == id_}

    async with service(tmp_path, hub_url=host) as running, plain_client(host) as client:
        async with recording(client, "image.generated", "overlay.updated") as log:
            trace_id = uuid.uuid4().hex
            request = envelope("any", {"theme": "fantasy", "size": {"width": 64, "height": 64}})
            headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
            await client.send("GenerationService.GeneratePortrait", request, headers=headers)
            await log.wait_for(request["correlation_id"])
            expected = {
                "bridge.GenerationService.GeneratePortrait",
                "tabletop.image.v1.GenerationService/GeneratePortrait",
                "generation.generate",
                "getimg.generate",
                "generation.store",
                "getimg.download",
                "storage.image.storage.store",
            }
            await eventually(lambda: spans_of(trace_id) >= expected, "all spans belong to the trace")
            [message] = log.messages_of(request["correlation_id"])
            assert message.headers["traceparent"].split("-")[1] == trace_id

            overlay = await create_overlay(running)
            trace_id = uuid.uuid4().hex
            event = move_event(overlay, 1)
            headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
            await client.publish_event(EVENT, event, headers=headers)
            await log.wait_for(event["correlation_id"])
            expected = {
                "bridge.map_state_changed",
                "tabletop.image.v1.OverlayService/UpdateOverlay",
                "storage.image.storage.store",
            }
            await eventually(lambda: spans_of(trace_id) >= expected, "all spans belong to the trace")
            [message] = log.messages_of(event["correlation_id"])
            assert message.headers["traceparent"].split("-")[1] == trace_id
