"""Requests of a client that uses only JSON over AMQP."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.theme_service_pb2 import GetThemeRequest, GetThemeResponse

from getimg_standin import Fault
from image_grpc.bridge.client import services, unary_methods
from image_grpc_testkit.eventually import eventually, increasing_durations
from tests.bridge.conftest import Scene
from tests.bridge.plain import envelope, plain_client, recording
from tests.service import Service, block_generations, service

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORTRAIT = {"theme": "fantasy", "size": {"width": 64, "height": 64}, "species": "elf", "wait_for": "100s"}


async def portrait(scene: Scene, **fields: Any) -> dict[str, Any]:
    """Generate a portrait, and return its finished generation."""
    reply = await scene.client.request("GenerationService.GeneratePortrait", PORTRAIT | fields)
    generation: dict[str, Any] = reply["payload"]["generation"]
    assert generation["state"] == "GENERATION_STATE_SUCCEEDED"
    return generation


# Replies


async def test_a_request_for_a_portrait_returns_its_finished_generation(scene: Scene) -> None:
    request = envelope("image.rpc.GenerationService.GeneratePortrait", PORTRAIT)
    message = await scene.client.request_message("GenerationService.GeneratePortrait", request)
    reply = json.loads(message.body)
    assert message.content_type == "application/json"
    assert reply["type"] == "image.rpc.GenerationService.GeneratePortrait.reply"
    assert reply["correlation_id"] == request["correlation_id"]
    assert (reply["source_service"], reply["version"]) == ("image-service", 1)
    generation = reply["payload"]["generation"]
    assert generation["state"] == "GENERATION_STATE_SUCCEEDED"
    assert generation["image"]["content"]["size"] == {"width": 64, "height": 64}
    assert generation["image"]["content"]["byte_size"].isdigit()


async def test_the_portraits_of_a_character_are_listed(scene: Scene) -> None:
    character = str(uuid.uuid4())
    generation = await portrait(scene, character_id=character)
    reply = await scene.client.request("ImageService.ListImages", {"source_id": character, "type": "character"})
    assert [image["id"] for image in reply["payload"]["images"]] == [generation["image"]["id"]]
    assert reply["payload"]["next_page_token"] == ""


async def test_the_maps_of_a_campaign_are_generated_and_listed(scene: Scene) -> None:
    campaign = str(uuid.uuid4())
    request = {"theme": "western", "size": {"width": 64, "height": 64}, "source": {"id": campaign}, "wait_for": "100s"}
    for kind in ("GenerateTacticalMap", "GenerateCampaignMap"):
        reply = await scene.client.request(f"GenerationService.{kind}", request)
        assert reply["payload"]["generation"]["state"] == "GENERATION_STATE_SUCCEEDED"
    reply = await scene.client.request("ImageService.ListImages", {"source_id": campaign, "type": "IMAGE_TYPE_MAP"})
    assert {image["subtype"] for image in reply["payload"]["images"]} == {
        "IMAGE_SUBTYPE_TACTICAL",
        "IMAGE_SUBTYPE_CAMPAIGN",
    }


async def test_a_protobuf_request_gets_a_protobuf_reply(scene: Scene) -> None:
    request = Envelope(id=str(uuid.uuid4()), correlation_id=str(uuid.uuid4()), type="image.rpc.ThemeService.GetTheme")
    request.payload_bytes = GetThemeRequest(theme="horror").SerializeToString()
    message = await scene.client.request_message(
        "ThemeService.GetTheme", request.SerializeToString(), content_type="application/x-protobuf"
    )
    assert message.content_type == "application/x-protobuf"
    reply = Envelope.FromString(message.body)
    assert reply.correlation_id == request.correlation_id
    assert GetThemeResponse.FromString(reply.payload_bytes).theme.name == "horror"


async def test_every_unary_rpc_reaches_the_server(scene: Scene) -> None:
    """The server handles even an empty request; the bridge itself rejects only unknown methods."""
    unary = {
        f"{service.name}.{method.name}"
        for service in services()
        for method in service.methods
        if not method.server_streaming and not method.client_streaming
    }
    assert unary - set(unary_methods()) == {"AuditService.ListAuditEntries"}  # for administrators
    for name in unary_methods():
        reply = await scene.client.request(name, {})
        if reply["type"] == "error":
            assert "there is no unary RPC" not in reply["payload"]["error"]["message"]


# Incomplete envelopes


async def test_ids_and_type_are_taken_from_the_properties(scene: Scene) -> None:
    id_ = str(uuid.uuid4())
    message = await scene.client.request_message(
        "ImageService.GetImage", {"payload": {"image_id": str(uuid.uuid4())}}, message_id=id_
    )
    reply = json.loads(message.body)
    assert reply["correlation_id"] == message.correlation_id
    assert reply["payload"]["error"]["details"]["request_id"] == id_


async def test_a_request_without_a_payload_gets_a_json_reply(scene: Scene) -> None:
    message = await scene.client.request_message("StatusService.GetStatus", {"type": "status"})
    assert message.content_type == "application/json"
    assert json.loads(message.body)["payload"]["status"] == "HEALTH_STATUS_HEALTHY"


async def test_replies_can_use_direct_reply_to(scene: Scene) -> None:
    queue = await scene.client.channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
    tag = await queue.consume(scene.client.receive_reply, no_ack=True)
    message = await scene.client.request_message(
        "ThemeService.GetTheme", envelope("any", {"theme": "horror"}), reply_to="amq.rabbitmq.reply-to"
    )
    await queue.cancel(tag)
    assert json.loads(message.body)["payload"]["theme"]["name"] == "horror"


# Errors


@pytest.mark.parametrize(
    ("method", "payload", "code", "field"),
    [
        ("GenerationService.GeneratePortrait", {"size": {"width": 5, "height": 64}}, "INVALID_ARGUMENT", "theme"),
        ("GenerationService.GeneratePortrait", {"theme": "no_such"}, "INVALID_THEME", "theme"),
        ("GenerationService.GeneratePortrait", {"theem": "fantasy"}, "INVALID_ARGUMENT", "theem"),
        ("GenerationService.GeneratePortrait", {"size": {"width": "x"}}, "INVALID_ARGUMENT", "size.width"),
        ("GenerationService.GeneratePortrait", {"size": {"depth": 3}}, "INVALID_ARGUMENT", "size.depth"),
        ("ImageService.ListImages", {"type": "statue"}, "INVALID_ARGUMENT", "type"),
        ("ImageService.GetImage", {"image_id": "3f6e6f7e-0000-4000-8000-000000000000"}, "IMAGE_NOT_FOUND", ""),
        ("ImageService.ReadImage", {}, "UNIMPLEMENTED", ""),
        ("NoService.NoMethod", {}, "UNIMPLEMENTED", ""),
    ],
)
async def test_an_invalid_request_gets_an_error_that_names_the_field(
    scene: Scene, method: str, payload: object, code: str, field: str
) -> None:
    request = envelope(method, payload)
    reply = json.loads((await scene.client.request_message(method, request)).body)
    assert reply["type"] == "error"
    error = reply["payload"]["error"]
    assert (error["code"], error["details"]["field"]) == (code, field)
    assert error["details"]["request_id"] == request["id"]
    assert error["details"]["retryable"] is False
    assert error["message"]
    assert datetime.fromisoformat(error["details"]["timestamp"]).tzinfo


@pytest.mark.parametrize(
    "body", [b"{not json", b"", b"[]", b"<html>\xff", json.dumps(PORTRAIT).encode(), b'{"type": "any", "payload": [1]}']
)
async def test_a_body_that_is_not_an_envelope_gets_an_error(scene: Scene, body: bytes) -> None:
    message = await scene.client.request_message("GenerationService.GeneratePortrait", body, message_id="order 66")
    assert message.content_type == "application/json"
    reply = json.loads(message.body)
    assert (reply["type"], reply["correlation_id"]) == ("error", message.correlation_id)
    error = reply["payload"]["error"]
    assert (error["code"], error["details"]["request_id"]) == ("INVALID_ARGUMENT", "order 66")
    assert "not an envelope" in error["message"]
    assert datetime.fromisoformat(error["details"]["timestamp"]).tzinfo


# Repetition and expiry


async def test_a_repeated_request_starts_one_generation(scene: Scene) -> None:
    request = envelope("any", PORTRAIT | {"cache": "bypass"})
    replies = [
        json.loads((await scene.client.request_message("GenerationService.GeneratePortrait", request)).body)
        for _ in range(2)
    ]
    first, second = (reply["payload"]["generation"]["id"] for reply in replies)
    assert first == second


@pytest.mark.parametrize("id_", ["order 66", "5A1D0F0E-6A0C-5C3F-9D53-0D6F2F1C7B99"])
async def test_any_id_makes_a_request_safe_to_repeat(scene: Scene, id_: str) -> None:
    request = envelope("any", PORTRAIT | {"cache": "bypass"}, id=id_)
    replies = [
        json.loads((await scene.client.request_message("GenerationService.GeneratePortrait", request)).body)
        for _ in range(2)
    ]
    first, second = (reply["payload"]["generation"]["id"] for reply in replies)
    assert first == second


async def test_a_call_ends_when_its_request_expires(scene: Scene) -> None:
    scene.service.standin.add_fault(Fault(kind="status", status=503))
    try:
        # On a busy machine, the request may expire before the call.
        for seconds in increasing_durations(2):
            request = PORTRAIT | {"cache": "bypass"}
            times = {"timestamp": datetime.now(UTC).isoformat(), "time_to_live": f"{seconds}s"}
            requesting = scene.client.request("GenerationService.GeneratePortrait", request, **times)
            with contextlib.suppress(TimeoutError, KeyError):
                reply = await asyncio.wait_for(requesting, seconds + 10)
                state = reply["payload"]["generation"]["state"]
                break
    finally:
        scene.service.standin.clear_faults()
    assert state in ("GENERATION_STATE_GENERATING", "GENERATION_STATE_QUEUED")


async def test_an_expired_request_is_not_executed(scene: Scene) -> None:
    async with recording(scene.client, "image.rpc.*") as log:
        long_ago = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
        character = str(uuid.uuid4())
        expired = envelope("any", PORTRAIT | {"character_id": character}, timestamp=long_ago, time_to_live="30s")
        await scene.client.send("GenerationService.GeneratePortrait", expired)
        following = envelope("any", {"source_id": character})
        await scene.client.send("GenerationService.ListGenerations", following)
        [completed] = await log.wait_for(following["correlation_id"])
    assert completed["payload"]["response"]["generations"] == []
    assert log.events_of(expired["correlation_id"]) == []


async def test_the_sender_of_an_expired_request_gets_an_error(scene: Scene) -> None:
    reply = await scene.client.request(
        "ThemeService.GetTheme", {"theme": "horror"}, timestamp="2020-01-01T00:00:00Z", time_to_live="30s"
    )
    assert reply["type"] == "error"
    error = reply["payload"]["error"]
    assert (error["code"], error["details"]["retryable"]) == ("DEADLINE_EXCEEDED", True)


async def test_a_request_that_is_too_large_is_not_worth_a_retry(scene: Scene) -> None:
    reply = await scene.client.request("GenerationService.GeneratePortrait", PORTRAIT | {"details": "x" * 5_000_000})
    error = reply["payload"]["error"]
    assert (error["code"], error["details"]["retryable"]) == ("INVALID_ARGUMENT", False)
    assert "4194304" in error["message"]


async def test_an_encoded_body_is_rejected_by_the_name_of_its_encoding(scene: Scene) -> None:
    body = gzip.compress(json.dumps(envelope("any", {"theme": "horror"})).encode())
    message = await scene.client.request_message("ThemeService.GetTheme", body, content_encoding="gzip")
    error = json.loads(message.body)["payload"]["error"]
    assert error["code"] == "INVALID_ARGUMENT"
    assert "content_encoding 'gzip' is not supported" in error["message"]


async def test_the_expiration_of_amqp_counts_from_the_arrival(scene: Scene) -> None:
    """The timestamp of AMQP has whole seconds, and the sender's clock may be slow."""
    properties = {"timestamp": int(time.time()) - 3600, "expiration": 60}
    message = await scene.client.request_message(
        "ThemeService.GetTheme", {"payload": {"theme": "horror"}}, **properties
    )
    assert json.loads(message.body)["type"] != "error"


# Requests without a reply address


async def test_without_a_reply_address_the_result_is_an_event(scene: Scene) -> None:
    async with recording(scene.client, "image.rpc.completed", "image.rpc.failed") as log:
        valid, invalid = envelope("any", {"theme": "horror"}), envelope("any", {"theme": "no_such"})
        await scene.client.send("ThemeService.GetTheme", valid)
        await scene.client.send("ThemeService.GetTheme", invalid)
        [completed] = await log.wait_for(valid["correlation_id"])
        [failed] = await log.wait_for(invalid["correlation_id"])
    assert completed["type"] == "image.rpc.completed"
    assert completed["payload"]["request_id"] == valid["id"]
    assert completed["payload"]["method"] == "ThemeService.GetTheme"
    assert completed["payload"]["response"]["theme"]["name"] == "horror"
    assert failed["type"] == "image.rpc.failed"
    assert failed["payload"]["request_id"] == invalid["id"]
    assert failed["payload"]["error"]["code"] == "INVALID_THEME"


async def test_requests_that_wait_do_not_hold_up_others(
    other_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_finish = block_generations(monkeypatch)
    async with (
        service(tmp_path, hub_url=other_host, bridge_concurrency=2, bridge_waits=5) as it,
        plain_client(other_host) as client,
    ):
        waiting = [
            asyncio.create_task(client.request("GenerationService.GeneratePortrait", PORTRAIT | {"details": str(each)}))
            for each in range(5)
        ]
        unfinished = await eventually_five(it)
        assert (await client.request("StatusService.GetStatus", {}))["type"].endswith(".reply")
        beyond = await client.request("GenerationService.WaitGeneration", {"generation_id": unfinished})
        assert beyond["payload"]["generation"]["state"] not in ("GENERATION_STATE_SUCCEEDED", "GENERATION_STATE_FAILED")
        may_finish.set()
        replies = await asyncio.gather(*waiting)
    assert {each["payload"]["generation"]["state"] for each in replies} == {"GENERATION_STATE_SUCCEEDED"}


async def eventually_five(it: Service) -> str:
    """Wait until five generations exist, and return the id of one."""
    ids: list[str] = []

    async def exist() -> bool:
        response = await it.generations.ListGenerations(ListGenerationsRequest())
        ids[:] = [each.id for each in response.generations]
        return len(ids) == 5

    await eventually(exist, "five requests wait")
    return ids[0]
