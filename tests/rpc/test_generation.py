"""GenerationService over a real channel: rejected requests and generated images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1 import status_service_pb2
from tabletop.image.v1.generation_pb2 import GenerationState

from tests.service import PRICE, Service, campaign_map, item, new_id, portrait, service, tactical_map
from tests.statuses import failed_call, failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT
KINDS = [tactical_map, campaign_map, portrait, item]
every_kind = pytest.mark.parametrize("kind", KINDS)
UNKNOWN_ID = "6f0c5b7e-3f0e-4d3a-9a53-0a3f6f9b1c11"


# Rejected requests


@every_kind
@pytest.mark.parametrize("theme", ["", "atlantis", "Fantasy", "x" * 65, "'; DROP TABLE themes"])
async def test_an_unknown_or_malformed_theme_is_rejected(running: Service, kind: Any, theme: str) -> None:
    error = await failed_call(running.generate(kind(theme=theme)))
    assert (error.code, error.reason, error.fields) == (INVALID, "INVALID_THEME", ["theme"])


@every_kind
@pytest.mark.parametrize("side", [-1, 0, 31, 4097, 100_000])
async def test_both_sides_of_a_size_out_of_range_are_reported(running: Service, kind: Any, side: int) -> None:
    error = await failed_call(running.generate(kind(size={"width": side, "height": side})))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert error.fields == ["size.width", "size.height"]


@every_kind
async def test_3000_characters_of_details_are_rejected(running: Service, kind: Any) -> None:
    error = await failed_call(running.generate(kind(details="x" * 3000)))
    assert (error.code, error.fields) == (INVALID, ["details"])


@every_kind
@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({"request_id": "7"}, "request_id"),
        ({"source": {"id": "7"}}, "source.id"),
        ({"reference_image_ids": ["7"], "model": "gpt-image-2"}, "reference_image_ids[0]"),
        ({"reference_image_ids": [UNKNOWN_ID], "model": "gpt-image-2"}, "reference_image_ids[0]"),
        ({"reference_image_ids": [UNKNOWN_ID] * 2, "model": "gpt-image-2"}, "reference_image_ids"),
        ({"model": "mona-lisa"}, "model"),
        ({"format": 4}, "format"),
        ({"format": 99}, "format"),
        ({"priority": 99}, "priority"),
        ({"cache": 99}, "cache"),
        ({"wait_for": {"seconds": 601}}, "wait_for"),
        ({"wait_for": {"seconds": -1}}, "wait_for"),
    ],
    ids=str,
)
async def test_an_invalid_field_is_reported(running: Service, kind: Any, fields: dict[str, Any], invalid: str) -> None:
    error = await failed_call(running.generate(kind(**fields)))
    assert error.code is INVALID
    assert error.fields[0] == invalid


async def test_references_beyond_the_limit_of_the_model_are_rejected(running: Service) -> None:
    stored = (await running.generate(portrait())).image.id
    error = await failed_call(running.generate(portrait(reference_image_ids=[stored], model="z-image-turbo")))
    assert (error.code, error.fields) == (INVALID, ["reference_image_ids"])


async def test_all_violations_are_reported_at_once(running: Service) -> None:
    request = tactical_map(
        theme="NOT A NAME",
        size={"width": 0, "height": 100_000},
        details="x" * 3000,
        request_id="7",
        source={"id": "7"},
        features=[""],
        model="mona-lisa",
        grid={"size": 7},
        reference_image_ids=["7"],
    )
    error = await failed_call(running.generate(request))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert sorted(error.fields) == [
        "details",
        "features[0]",
        "grid.size",
        "reference_image_ids[0]",
        "request_id",
        "size.height",
        "size.width",
        "source.id",
        "theme",
    ]


async def test_all_unknown_names_are_reported_at_once(running: Service) -> None:
    request = tactical_map(
        theme="atlantis", model="mona-lisa", grid={"color": "notacolor"}, reference_image_ids=[UNKNOWN_ID]
    )
    error = await failed_call(running.generate(request))
    assert (error.code, error.reason) == (INVALID, "INVALID_ARGUMENT")
    assert sorted(error.fields) == ["grid.color", "model", "reference_image_ids[0]", "theme"]


async def test_a_rejected_request_costs_nothing(running: Service) -> None:
    running.standin.reset()
    await failed_call(running.generate(portrait(theme="atlantis")))
    await failed_call(running.generate(portrait(details="x" * 3000)))
    assert running.standin.calls == 0


@pytest.mark.parametrize("id_", ["", "7", "not-a-uuid"])
@pytest.mark.parametrize("method", ["GetGeneration", "WaitGeneration", "CancelGeneration"])
async def test_a_malformed_generation_id_is_rejected(running: Service, method: str, id_: str) -> None:
    request = getattr(pb, f"{method}Request")(generation_id=id_)
    error = await failed_call(getattr(running.generations, method)(request))
    assert (error.code, error.fields) == (INVALID, ["generation_id"])


@pytest.mark.parametrize("method", ["GetGeneration", "WaitGeneration", "CancelGeneration"])
async def test_a_generation_that_does_not_exist_is_not_found(running: Service, method: str) -> None:
    request = getattr(pb, f"{method}Request")(generation_id=UNKNOWN_ID)
    error = await failed_call(getattr(running.generations, method)(request))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "GENERATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"generation_id": UNKNOWN_ID}, "GENERATION_NOT_FOUND"),
        ({"generation_id": "7"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "forged"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "²"}, "INVALID_ARGUMENT"),
        ({"generation_id": UNKNOWN_ID, "cursor": "9" * 65}, "INVALID_ARGUMENT"),
    ],
    ids=str,
)
async def test_a_watch_with_an_invalid_id_or_cursor_is_rejected(
    running: Service, fields: dict[str, str], reason: str
) -> None:
    watch = running.generations.WatchGeneration(pb.WatchGenerationRequest(**fields))
    assert (await failed_stream(watch)).reason == reason


async def test_errors_and_status_name_the_missing_api_key(tmp_path: Path) -> None:
    async with service(tmp_path, getimg_api_key="") as it:
        for kind in KINDS:
            error = await failed_call(it.generate(kind()))
            assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "GETIMG_NOT_CONFIGURED")
            assert "GETIMG_API_KEY" in error.message
        error = await failed_call(it.generations.ListModels(pb.ListModelsRequest()))
        assert error.reason == "GETIMG_NOT_CONFIGURED"
        status = await it.status.GetStatus(status_service_pb2.GetStatusRequest())
        assert status.status == status_service_pb2.HEALTH_STATUS_DEGRADED
        assert "GETIMG_API_KEY" in status.dependencies.getimg_api.message


# Generations


@every_kind
async def test_a_request_of_each_kind_generates_and_stores_an_image(running: Service, kind: Any) -> None:
    generation = await running.generate(kind(details=new_id()))
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED
    assert (generation.cost.amount, generation.cost.currency) == (PRICE, "USD")
    assert len(await running.read(generation.image.id)) == generation.image.content.byte_size


async def test_a_validation_returns_the_cost_and_generates_nothing(running: Service) -> None:
    running.standin.reset()
    preview = await running.generate(portrait(details=new_id(), validate_only=True))
    assert (preview.id, preview.state) == ("", GenerationState.GENERATION_STATE_UNSPECIFIED)
    assert (preview.cost.amount, preview.model) == (PRICE, "z-image-turbo")
    assert running.standin.calls == 0


async def test_a_request_id_with_other_content_is_rejected(running: Service) -> None:
    request_id = new_id()
    first = await running.generate(portrait(request_id=request_id))
    assert (await running.generate(portrait(request_id=request_id))).id == first.id
    error = await failed_call(running.generate(portrait(request_id=request_id, details="other")))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    error = await failed_call(running.generate(item(request_id=request_id)))
    assert error.reason == "REQUEST_ID_REUSED"
