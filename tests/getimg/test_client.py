"""Requests and results of the client, with a real HTTP server that behaves like GetImg.AI."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.getimg import GetimgClient
from image_grpc_testkit.eventually import eventually
from tests.getimg.conftest import connected, generate
from tests.service import MODEL, PRICE, Provider, block_generations, running_standin


@pytest.mark.parametrize(
    ("size", "model", "ratio", "resolution"),
    [
        ((1024, 1024), "seedream-5-lite", "1:1", "1K"),
        ((333, 777), "seedream-5-lite", "9:16", "1K"),
        ((1920, 1080), "seedream-5-lite", "16:9", "2K"),
        ((64, 64), "seedream-4-5", "1:1", "2K"),
    ],
)
async def test_the_size_is_sent_as_a_ratio_and_a_resolution_of_the_model(
    client: GetimgClient, provider: Provider, size: tuple[int, int], model: str, ratio: str, resolution: str
) -> None:
    await generate(client, size=Size(width=size[0], height=size[1]), model=model)
    [request] = provider.standin.prompts
    assert request == {
        "model": model,
        "prompt": "a thing, fantasy",
        "output_format": "png",
        "aspect_ratio": ratio,
        "resolution": resolution,
    }


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        (ImageFormat.IMAGE_FORMAT_PNG, "png"),
        (ImageFormat.IMAGE_FORMAT_JPEG, "jpeg"),
        (ImageFormat.IMAGE_FORMAT_WEBP, "webp"),
    ],
)
async def test_the_format_is_sent(client: GetimgClient, provider: Provider, format_: ImageFormat, name: str) -> None:
    await generate(client, format=format_)
    assert provider.standin.prompts[-1]["output_format"] == name


async def test_reference_images_are_sent(client: GetimgClient, provider: Provider) -> None:
    data = base64.b64encode(pyvips.Image.black(64, 64).write_to_buffer(".png")).decode()
    await generate(client, model="gpt-image-2", reference_urls=[f"data:image/png;base64,{data}"])
    [reference] = provider.standin.prompts[-1]["images"]
    assert reference["url"].startswith("data:image/png;base64,")


async def test_the_result_has_the_picture_and_the_billed_cost(client: GetimgClient, provider: Provider) -> None:
    result = await generate(client)
    assert (result.cost.amount, result.cost.currency) == (PRICE, "USD")
    assert (result.cost.unit, result.cost.quantity) == ("image", 1)
    assert str(provider.standin.total_cost) == PRICE
    assert result.model == MODEL
    assert result.provider_id
    assert result.url.startswith(provider.url)
    assert result.expire_time.ToSeconds() > time.time()


async def test_the_calls_in_flight_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    release = block_generations(monkeypatch)
    async with running_standin() as provider, connected(provider.url, max_in_flight=3) as client:
        generations = [asyncio.create_task(generate(client)) for _ in range(9)]
        await eventually(lambda: provider.standin.in_flight == 3, "three calls are in flight")
        await asyncio.sleep(0.05)  # time for a fourth, which must not start
        release.set()
        await asyncio.gather(*generations)
        assert provider.standin.max_in_flight_seen == 3
