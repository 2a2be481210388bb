"""Generations over HTTP, with the official SDK where it supports the request."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from decimal import Decimal

import getimg
import httpx
import pytest
import pyvips

from clients import KEY, PRICE, Running, in_flight
from getimg_standin import MODELS, Behavior, Standin, pixel_size

PNG = pyvips.Image.black(4, 4).pngsave_buffer()


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


async def test_the_sdk_generates_a_picture_that_downloads(running: Running) -> None:
    response = await running.generate(prompt="character portrait, steampunk", aspect_ratio="3:4", output_format="jpeg")
    item = response.data[0]
    download = await running.http.get(item.url)
    picture = pyvips.Image.new_from_buffer(download.content, "")
    assert response.status == "completed"
    assert (item.width, item.height) == pixel_size("3:4", "1K") == (picture.width, picture.height)
    assert item.mime_type == download.headers["content-type"] == "image/jpeg"
    assert int(download.headers["content-length"]) == len(download.content)
    assert (response.usage.billable_unit, response.usage.quantity) == ("image", 1)
    assert response.usage.unit_price == response.usage.total_cost == float(PRICE)


async def test_picture_urls_require_no_key(running: Running) -> None:
    url = await running.picture_url()
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).status_code == 200


async def test_each_call_draws_its_own_picture(running: Running) -> None:
    first, second = [await running.http.get(await running.picture_url()) for _ in range(2)]
    assert first.content != second.content


@pytest.mark.parametrize("model", list(MODELS))
async def test_every_model_uses_its_defaults(running: Running, model: str) -> None:
    response = await running.generate(model=model)
    catalog_entry = MODELS[model]
    expected = pixel_size(catalog_entry.aspect_ratios[0], catalog_entry.resolutions[0])
    assert (response.data[0].width, response.data[0].height) == expected
    assert response.model == model


@pytest.mark.parametrize("authorization", [None, "Bearer other", KEY, f"Basic {KEY}"])
async def test_other_keys_are_rejected(running: Running, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as client:
        for method, path in [("POST", "/v2/images/generations"), ("GET", "/v2/models"), ("GET", "/v2/billing/balance")]:
            response = await client.request(method, path)
            assert response.status_code == 401
            assert response.json()["error"]["code"] == "unauthorized"
    assert running.standin.billed == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "no-such-model"}, "invalid_model"),
        ({"model": None}, "invalid_model"),
        ({"model": 7}, "invalid_model"),
        ({"prompt": "  "}, "invalid_prompt"),
        ({"prompt": None}, "invalid_prompt"),
        ({"aspect_ratio": "21:9"}, "invalid_aspect_ratio"),
        ({"resolution": "4K"}, "invalid_resolution"),
        ({"output_format": "gif"}, "invalid_output_format"),
        ({"images": "x"}, "invalid_images"),
        ({"images": [{"url": "https://example.org/a.png"}]}, "too_many_images"),
        ({"model": "gpt-image-2", "images": [{"url": "http://example.org/a.png"}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": "file:///etc/passwd"}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": "https:///a.png"}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": base64.b64encode(PNG).decode()}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": "data:image/png;base64,!!"}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": data_url(b"GIF89a", "gif")}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": data_url(PNG, "jpeg")}]}, "invalid_image_url"),
        ({"model": "gpt-image-2", "images": [{"url": "https://example.org/a.png"}] * 17}, "too_many_images"),
    ],
)
async def test_requests_that_the_model_does_not_support_are_rejected(
    running: Running, changes: dict[str, object], code: str
) -> None:
    response = await running.post(**changes)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert response.json()["error"]["message"]
    assert running.standin.billed == 0


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff"])
async def test_a_body_that_is_not_a_json_object_is_rejected(running: Running, body: bytes) -> None:
    response = await running.http.post("/v2/images/generations", content=body)
    assert response.status_code == 400


async def test_an_oversized_reference_is_rejected(running: Running) -> None:
    too_large = PNG + bytes(10 * 1024 * 1024)
    response = await running.post(model="gpt-image-2", images=[{"url": data_url(too_large)}])
    assert (response.status_code, response.json()["error"]["code"]) == (400, "image_too_large")


async def test_an_oversized_request_is_rejected(running: Running) -> None:
    response = await running.post(prompt="x" * (25 * 1024 * 1024))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "request_too_large")


async def test_the_sdk_raises_its_typed_errors(running: Running) -> None:
    with pytest.raises(getimg.BadRequestError):
        await running.generate(model="no-such-model")
    with pytest.raises(getimg.AuthenticationError):
        await running.sdk.with_options(api_key="other").models.list()
    with pytest.raises(getimg.NotFoundError):
        await running.sdk.models.retrieve("no-such-model")


async def test_a_reference_of_the_standin_keeps_its_layout(running: Running) -> None:
    """The metadata of the reference contains its seed, which determines the layout in every theme."""
    original = await running.http.get(await running.picture_url())
    reference = [{"url": data_url(original.content)}]
    urls = [
        (await running.generate(model="gpt-image-2", prompt=f"a thing, {theme}", images=reference)).data[0].url
        for theme in ("fantasy", "horror")
    ]
    same, other = [(await running.http.get(url)).content for url in urls]
    assert same == original.content
    assert other != original.content


async def test_foreign_references_determine_the_picture(running: Running) -> None:
    for reference in (data_url(PNG), "https://example.org/a.png"):
        images = [{"url": reference}]
        responses = [await running.generate(model="gpt-image-2", images=images) for _ in range(2)]
        first, second = [(await running.http.get(response.data[0].url)).content for response in responses]
        assert first == second


async def test_prompts_are_recorded(running: Running) -> None:
    await running.post(model="gpt-image-2", prompt="remember me", images=[{"url": data_url(PNG)}])
    await running.post(model="no-such-model")
    accepted, rejected = running.standin.prompts
    assert accepted["prompt"] == "remember me"
    assert str(accepted["images"]).count("data:image/png;base64,<") == 1
    assert rejected["model"] == "no-such-model"
    assert (running.standin.calls, running.standin.billed) == (2, 1)


async def test_variety_limits_the_number_of_pictures(running: Running) -> None:
    running.standin.behavior = Behavior(variety=2)
    urls = [await running.picture_url() for _ in range(6)]
    assert len({url.partition("?")[0] for url in urls}) == 2
    assert running.standin.billed == 6


async def test_concurrent_calls_for_a_picture_share_its_drawing(running: Running) -> None:
    running.standin.behavior = Behavior(variety=1)
    responses = await asyncio.gather(*(running.generate() for _ in range(20)))
    assert len({response.data[0].url.partition("?")[0] for response in responses}) == 1


async def test_a_client_that_disconnects_is_billed(running: Running) -> None:
    running.standin.behavior = replace(running.standin.behavior, latency=600)
    call = asyncio.create_task(running.post(prompt="slow"))
    await in_flight(running.standin, 1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await in_flight(running.standin, 0)
    assert (running.standin.billed, running.standin.total_cost) == (1, Decimal(PRICE))


async def test_two_standins_share_nothing(running: Running) -> None:
    other = Standin(api_key=KEY)
    async with other.listen() as url, getimg.AsyncGetimgAI(base_url=url, api_key=KEY) as sdk:
        await sdk.images.generate(model="z-image-turbo", prompt="elsewhere")
    assert (other.calls, running.standin.calls) == (1, 0)
