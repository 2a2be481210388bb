"""Generating pictures through the whole service."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pyvips
from google.protobuf import json_format
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import ItemType
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest, ListModelsRequest
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, GetImageRequest, ListImagesRequest
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Size, Source

from image_grpc_testkit.eventually import eventually
from tests.service import (
    PRICE,
    Service,
    campaign_map,
    fast_standin,
    item,
    portrait,
    running_standin,
    service,
    tactical_map,
)
from tests.statuses import failed_call

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
CHARACTER = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path) as running:
        yield running


KINDS = {
    "tactical map": (tactical_map(), ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_TACTICAL),
    "campaign map": (campaign_map(), ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN),
    "portrait": (portrait(character_id=CHARACTER), ImageType.IMAGE_TYPE_CHARACTER, ImageSubtype.IMAGE_SUBTYPE_PORTRAIT),
    "weapon": (item(type=ItemType.ITEM_TYPE_WEAPON), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_WEAPON),
    "armor": (item(type=ItemType.ITEM_TYPE_ARMOR), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_ARMOR),
    "other item": (item(), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_OTHER),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_generated_stored_and_announced(platform: Service, kind: str) -> None:
    request, type_, subtype = KINDS[kind]
    events: list[Any] = []
    subscription = await platform.running.hub.subscribe(
        ["image.generated"], lambda delivery: events.append(delivery.envelope), on_gap=lambda: None
    )
    generation = await platform.generate(request)
    assert generation.state == SUCCEEDED
    assert generation.progress == 1
    assert (generation.cost.amount, generation.cost.currency) == (PRICE, "USD")
    image = generation.image
    assert (image.type, image.subtype, image.version) == (type_, subtype, 1)
    assert image.metadata.theme == "fantasy"
    assert image.storage_id
    assert image.content.storage_path
    assert image == (await platform.images.GetImage(GetImageRequest(image_id=image.id))).image
    assert len(await platform.read(image.id)) == image.content.byte_size
    await eventually(lambda: bool(events), "the event arrives")
    await subscription.stop(grace=1)
    (event,) = events
    payload = json_format.MessageToDict(event.payload)
    assert payload["image_id"] == image.id
    assert payload["type"] == {1: "map", 2: "character", 3: "item"}[type_]
    assert payload["source_id"] == image.metadata.source_id
    assert payload["storage_correlation_id"] == image.storage_correlation_id
    assert payload["timestamp"]
    assert event.source_service == "image-service"
    assert event.version == 1
    assert event.correlation_id
    assert event.time_to_live.seconds > 0


@pytest.mark.parametrize(
    ("width", "height", "format_", "loader"),
    [
        (333, 777, ImageFormat.IMAGE_FORMAT_WEBP, "webpload_buffer"),
        (32, 4096, ImageFormat.IMAGE_FORMAT_JPEG, "jpegload_buffer"),
        (501, 35, ImageFormat.IMAGE_FORMAT_PNG, "pngload_buffer"),
    ],
)
async def test_a_picture_has_exactly_the_requested_size_and_format(
    platform: Service, width: int, height: int, format_: ImageFormat, loader: str
) -> None:
    generation = await platform.generate(tactical_map(size=Size(width=width, height=height), format=format_))
    picture = pyvips.Image.new_from_buffer(await platform.read(generation.image.id), "")
    assert (picture.width, picture.height, picture.get("vips-loader")) == (width, height, loader)
    assert generation.image.content.format == format_


async def test_the_default_is_a_png_of_1024_x_1024_pixels(platform: Service) -> None:
    request = tactical_map()
    request.ClearField("size")
    content = (await platform.generate(request)).image.content
    assert (content.size.width, content.size.height) == (1024, 1024)
    assert content.format == ImageFormat.IMAGE_FORMAT_PNG


async def test_an_equal_request_is_a_cache_hit_at_no_cost(platform: Service) -> None:
    first = await platform.generate(portrait(details="red hair"))
    second = await platform.generate(portrait(details="red hair"))
    assert second.cache_hit
    assert second.state == SUCCEEDED
    assert second.id != first.id
    assert second.image == first.image
    assert not second.HasField("cost")
    assert platform.standin.calls == 1
    assert await platform.generate(portrait(details="gray hair")) != first
    assert platform.standin.calls == 2


async def test_twenty_concurrent_equal_requests_are_one_call(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=0.3)) as provider, service(tmp_path, provider) as platform:
        generations = await asyncio.gather(*(platform.generate(item(details="a ring")) for _ in range(20)))
        assert {each.state for each in generations} == {SUCCEEDED}
        assert len({each.image.id for each in generations}) == 1
        assert provider.standin.calls == 1


@pytest.mark.parametrize("mode", [CacheMode.CACHE_MODE_BYPASS, CacheMode.CACHE_MODE_REFRESH])
async def test_bypass_and_refresh_generate_a_new_picture(platform: Service, mode: CacheMode) -> None:
    old = await platform.generate(item())
    new = await platform.generate(item(cache=mode))
    assert new.image.id != old.image.id
    assert not new.cache_hit
    later = await platform.generate(item())
    expected = new if mode == CacheMode.CACHE_MODE_REFRESH else old
    assert later.image.id == expected.image.id


async def test_a_deleted_picture_serves_no_equal_request(platform: Service) -> None:
    first = await platform.generate(item())
    await platform.images.DeleteImage(DeleteImageRequest(image_id=first.image.id))
    second = await platform.generate(item())
    assert second.image.id != first.image.id
    assert platform.standin.calls == 2


async def test_a_repeated_request_id_gets_the_first_generation(platform: Service) -> None:
    request = portrait(details="scar", request_id=str(uuid.uuid4()), cache=CacheMode.CACHE_MODE_BYPASS)
    first = await platform.generate(request)
    assert await platform.generate(request) == first
    assert platform.standin.calls == 1


async def test_a_request_id_that_shared_a_generation_keeps_it(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=0.3)) as provider, service(tmp_path, provider) as platform:
        named = portrait(details="scar", request_id=str(uuid.uuid4()))
        first, shared = await asyncio.gather(platform.generate(portrait(details="scar")), platform.generate(named))
        assert shared.image == first.image
        assert (await platform.generate(named)).id == shared.id


async def test_a_request_id_must_not_be_reused_with_other_content(platform: Service) -> None:
    request_id = str(uuid.uuid4())
    await platform.generate(portrait(request_id=request_id))
    refused = await failed_call(platform.generate(portrait(request_id=request_id, details="other")))
    assert refused.code.name == "ALREADY_EXISTS"
    assert refused.reason == "REQUEST_ID_REUSED"
    assert refused.fields == ["request_id"]


async def test_validate_only_returns_the_cost_and_does_nothing(platform: Service) -> None:
    preview = await platform.generate(item(validate_only=True))
    assert preview.id == ""
    assert preview.state == GenerationState.GENERATION_STATE_UNSPECIFIED
    assert preview.cost.amount == PRICE
    assert preview.model == "z-image-turbo"
    assert platform.standin.calls == 0
    assert not (await platform.generations.ListGenerations(ListGenerationsRequest())).generations


async def test_listings_are_filtered(platform: Service) -> None:
    source = Source(id=CHARACTER, service="character-service")
    await platform.generate(portrait(source=source))
    await platform.generate(item(theme="horror"))
    await platform.generate(tactical_map())

    async def count(**filters: Any) -> tuple[int, int]:
        images = await platform.images.ListImages(ListImagesRequest(**filters))
        generations = await platform.generations.ListGenerations(ListGenerationsRequest(**filters))
        return len(images.images), len(generations.generations)

    assert await count() == (3, 3)
    assert await count(type=ImageType.IMAGE_TYPE_MAP) == (1, 1)
    assert await count(subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT) == (1, 1)
    assert await count(theme="horror") == (1, 1)
    assert await count(source_id=CHARACTER) == (1, 1)
    assert await count(service="character-service") == (1, 1)
    assert await count(service="nobody") == (0, 0)
    first = await platform.images.ListImages(ListImagesRequest(page_size=2))
    rest = await platform.images.ListImages(ListImagesRequest(page_size=2, page_token=first.next_page_token))
    assert len({image.id for image in [*first.images, *rest.images]}) == 3
    assert rest.next_page_token == ""


async def test_reference_images_are_sent_to_getimg(platform: Service) -> None:
    face = await platform.generate(portrait(details="a face"))
    await platform.generate(portrait(details="older", reference_image_ids=[face.image.id], model="seedream-5-lite"))
    sent = platform.standin.prompts[-1]
    assert sent["images"][0]["url"].startswith("data:image/png;base64,")
    unknown = portrait(reference_image_ids=[str(uuid.uuid4())], model="seedream-5-lite")
    refused = await failed_call(platform.generate(unknown))
    assert refused.fields == ["reference_image_ids[0]"]


async def test_models_are_those_of_the_catalog(platform: Service) -> None:
    models = (await platform.generations.ListModels(ListModelsRequest())).models
    by_id = {model.id: model for model in models}
    assert "1:1" in by_id["seedream-5-lite"].aspect_ratios
    assert by_id["seedream-5-lite"].prices
    refused = await failed_call(platform.generate(item(model="no-such-model")))
    assert refused.fields == ["model"]


async def test_generating_without_an_api_key_is_a_failed_precondition(tmp_path: Path) -> None:
    async with service(tmp_path, getimg_api_key="") as platform:
        refused = await failed_call(platform.generate(item()))
        assert refused.code.name == "FAILED_PRECONDITION"
        assert refused.reason == "GETIMG_NOT_CONFIGURED"
        assert "GETIMG_API_KEY" in refused.message
