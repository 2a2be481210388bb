"""One trace from another service's message to the event that tells of its effect."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.bridge.maps import EVENT, map_with_overlay, moved
from tests.bridge.plain import envelope, hearing, plain_client
from tests.contracts.patience import eventually
from tests.service import service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_one_trace_leads_from_the_publisher_to_the_outgoing_event(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    def spans_of(id_: str) -> set[str]:
        return {span.name for span in exporter.get_finished_spans() if f"{span.context.trace_id:032x}" == id_}

    async with service(tmp_path, hub_url=host) as running, plain_client(host) as client:
        async with hearing(client, "image.generated", "overlay.updated") as ear:
            trace_id = uuid.uuid4().hex
            request = envelope("any", {"theme": "fantasy", "size": {"width": 64, "height": 64}})
            headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
            await client.send("GenerationService.GeneratePortrait", request, headers=headers)
            await ear.hears(request["correlation_id"])
            expected = {
                "bridge.GenerationService.GeneratePortrait",
                "tabletop.image.v1.GenerationService/GeneratePortrait",
                "generation.generate",
                "getimg.generate",
                "generation.store",
                "getimg.download",
                "storage.image.storage.store",
                "storage.image.storage.retrieve",
            }
            await eventually(lambda: spans_of(trace_id) >= expected, "all spans are of the one trace")
            [message] = ear.messages_about(request["correlation_id"])
            assert message.headers["traceparent"].split("-")[1] == trace_id

            overlay = await map_with_overlay(running)
            trace_id = uuid.uuid4().hex
            event = moved(overlay, 1)
            headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
            await client.tell(EVENT, event, headers=headers)
            await ear.hears(event["correlation_id"])
            expected = {
                "bridge.map_state_changed",
                "tabletop.image.v1.OverlayService/UpdateOverlay",
                "storage.image.storage.store",
            }
            await eventually(lambda: spans_of(trace_id) >= expected, "all spans are of the one trace")
            [message] = ear.messages_about(event["correlation_id"])
            assert message.headers["traceparent"].split("-")[1] == trace_id
