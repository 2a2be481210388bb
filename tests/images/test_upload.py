"""UploadImage, over a real channel."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pyvips
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_service_pb2 import ImageLayer, UploadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc.rpc import admission
from image_grpc.rpc.interceptors import decoding
from image_grpc_testkit.eventually import eventually
from tests.service import (
    UPLOAD_DEFAULTS,
    Service,
    element,
    grid_properties,
    new_id,
    payload_of,
    picture_bytes,
    service,
    upload_parts,
)
from tests.statuses import CallStatus, failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMATS = {
    ".png": ImageFormat.IMAGE_FORMAT_PNG,
    ".jpg": ImageFormat.IMAGE_FORMAT_JPEG,
    ".webp": ImageFormat.IMAGE_FORMAT_WEBP,
}
ENDLESS = 3600.0
PORTRAIT = {"type": ImageType.IMAGE_TYPE_CHARACTER, "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT}


async def rejection(running: Service, parts: Iterable[UploadImageRequest]) -> CallStatus:
    """Send an upload that must be rejected, and return its status.

    grpc.aio reports INTERNAL when a server rejects a call while its client is writing (grpc/grpc#36066), so this
    uses the synchronous client.
    """

    def upload() -> None:
        with grpc.insecure_channel(running.running.address) as channel:
            ImageServiceStub(channel).UploadImage(iter(parts))

    return await failed_call(asyncio.to_thread(upload))


def description_part(**fields: Any) -> UploadImageRequest:
    return UploadImageRequest(description={**UPLOAD_DEFAULTS, **fields})


def data_part(data: bytes) -> UploadImageRequest:
    return UploadImageRequest(data=data)


def noise(side: int, suffix: str = ".png") -> bytes:
    """Return a square picture of random pixels, which compresses badly."""
    data: bytes = pyvips.Image.gaussnoise(side, side, seed=1).cast("uchar").write_to_buffer(suffix)
    return data


# Accepted uploads


@pytest.mark.parametrize("suffix", FORMATS)
async def test_an_uploaded_picture_is_stored_unchanged(running: Service, suffix: str) -> None:
    data = picture_bytes(90, 70, suffix=suffix)
    source = {"id": new_id(), "service": "character-service"}
    image = await running.upload(data, **PORTRAIT, theme="horror", source=source)
    assert await running.read(image.id) == data
    content = image.content
    assert (content.format, content.size.width, content.size.height) == (FORMATS[suffix], 90, 70)
    assert (content.byte_size, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (image.type, image.subtype, image.version) == (PORTRAIT["type"], PORTRAIT["subtype"], 1)
    metadata = image.metadata
    assert (metadata.theme, metadata.source_id, metadata.service) == ("horror", source["id"], "character-service")
    assert metadata.theme_association.theme == "horror"
    assert not metadata.HasField("generation_params")
    assert not image.HasField("map")
    assert await running.get_image(image.id) == image


async def test_a_picture_of_several_chunks_is_stored_unchanged(running: Service) -> None:
    data = noise(1800)
    assert len(data) > 2 * 1024 * 1024
    image = await running.upload(data, sha256=hashlib.sha256(data).hexdigest())
    assert await running.read(image.id) == data


@pytest.mark.parametrize("size", [(32, 32), (8192, 32), (33, 8192), (8192, 4096)])
async def test_sides_of_32_to_8192_pixels_are_accepted(running: Service, size: tuple[int, int]) -> None:
    image = await running.upload(picture_bytes(*size))
    assert (image.content.size.width, image.content.size.height) == size


async def test_an_upload_is_published_with_the_callers_correlation_id(running: Service) -> None:
    async def parts() -> AsyncIterator[UploadImageRequest]:
        yield description_part(source={"id": source_id})
        yield data_part(picture_bytes())

    source_id = new_id()
    async with running.events_on("image.generated") as events:
        metadata = (("x-correlation-id", "upload-1"),)
        image = (await running.images.UploadImage(parts(), metadata=metadata)).image
        await eventually(lambda: bool(events), "the upload is published")
    [event] = events
    assert event.correlation_id == "upload-1"
    payload = payload_of(event)
    assert payload.pop("timestamp")
    assert payload == {
        "storage_correlation_id": image.storage_correlation_id,
        "image_id": image.id,
        "type": "map",
        "source_id": source_id,
    }


# Rejected uploads


def assert_rejected(error: Any, field: str) -> None:
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


BAD_DATA = {
    "no data": b"",
    "HTML": b"<html><body>not a picture</body></html>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
    "TIFF": picture_bytes(suffix=".tif"),
    "a truncated AVIF": picture_bytes(200, 200, suffix=".avif")[:-100],
    "a truncated GIF": noise(100, ".gif")[:-2000],
    "a truncated PNG": noise(100)[:-500],
    "a truncated JPEG": noise(100, ".jpg")[:-500],
    "a truncated WebP": noise(100, ".webp")[:-500],
    "the header of a PNG only": picture_bytes()[:20],
    "a side that is too short": picture_bytes(31, 64),
    "a side that is too long": picture_bytes(32, 8193),
    "too many pixels": picture_bytes(8192, 4097),
}


@pytest.mark.parametrize("bad", BAD_DATA)
async def test_data_that_is_not_a_complete_picture_of_a_supported_format_and_size_is_rejected(
    running: Service, bad: str
) -> None:
    assert_rejected(await rejection(running, upload_parts(BAD_DATA[bad])), "data")


async def test_a_sha256_that_does_not_match_the_data_is_rejected(running: Service) -> None:
    error = await rejection(running, upload_parts(sha256="0" * 64))
    assert_rejected(error, "description.sha256")
    assert hashlib.sha256(picture_bytes()).hexdigest() in error.message


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": 0}, "description.type"),
        ({"subtype": 0}, "description.subtype"),
        ({"subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT}, "description.subtype"),
        ({"type": ImageType.IMAGE_TYPE_ITEM}, "description.subtype"),
        ({"theme": "noir"}, "description.theme"),
        ({"theme": ""}, "description.theme"),
        ({"sha256": "ABC"}, "description.sha256"),
        ({"request_id": "7"}, "description.request_id"),
        ({"source": {"id": "nobody"}}, "description.source.id"),
        ({"map": {"grid": {"color": "notacolor"}}}, "description.map.grid.color"),
        ({"map": {"grid": {"size": 7}}}, "description.map.grid.size"),
        ({**PORTRAIT, "map": {}}, "description.map"),
        ({**PORTRAIT, "map": grid_properties()}, "description.map"),
        ({"map": {"scale": {"unit": "miles", "value": 5}}}, "description.map.scale"),
        ({"subtype": ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "map": grid_properties()}, "description.map.grid"),
    ],
    ids=str,
)
async def test_an_invalid_description_is_rejected(running: Service, fields: dict[str, Any], field: str) -> None:
    error = await rejection(running, upload_parts(**fields))
    assert_rejected(error, field)
    assert error.reason == ("INVALID_THEME" if field.endswith("theme") else "INVALID_ARGUMENT")


async def test_the_description_must_be_the_first_part_and_only_the_first(running: Service) -> None:
    data = picture_bytes()
    for parts in (
        [],
        [data_part(data)],
        [data_part(data), description_part()],
        [description_part(), description_part(), data_part(data)],
        [description_part(), data_part(data), description_part()],
    ):
        assert_rejected(await rejection(running, parts), "description")
    assert_rejected(await rejection(running, [UploadImageRequest()]), "part")
    too_long = data_part(b"x" * (1024 * 1024 + 1))
    assert_rejected(await rejection(running, [description_part(), too_long]), "data")


async def test_an_upload_beyond_the_configured_size_is_rejected_before_it_ends(tmp_path: Path) -> None:
    sent = 0

    def endless() -> Iterator[UploadImageRequest]:
        nonlocal sent
        yield description_part()
        while True:
            sent += 1
            yield data_part(b"x" * 100_000)

    async with service(tmp_path, upload_max_bytes=1_000_000) as it:
        error = await rejection(it, endless())
        assert_rejected(error, "data")
        assert "1000000" in error.message
        assert sent < 1000
        data = picture_bytes()
        assert await it.read((await it.upload(data)).id) == data


async def test_a_cancelled_upload_does_not_use_up_its_request_id(running: Service) -> None:
    started = asyncio.Event()

    async def parts() -> AsyncIterator[UploadImageRequest]:
        yield description_part(request_id=request_id)
        started.set()
        await asyncio.sleep(3600)

    request_id = new_id()
    call = running.images.UploadImage(parts())
    await started.wait()
    call.cancel()
    assert await running.upload(request_id=request_id)


# Repeated requests


async def test_repeated_uploads_with_one_request_id_create_one_image(running: Service) -> None:
    request_id = new_id()
    images = await asyncio.gather(*(running.upload(request_id=request_id) for _ in range(5)))
    assert all(image == images[0] for image in images)
    verified = await running.upload(request_id=request_id, sha256=images[0].content.sha256)
    assert verified == images[0], "an explicit SHA-256 does not make it another request"
    for other in (
        upload_parts(picture_bytes(64, 64), request_id=request_id),
        upload_parts(theme="horror", request_id=request_id),
    ):
        error = await rejection(running, other)
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_uploads_without_a_request_id_create_separate_images(running: Service) -> None:
    first, second = await running.upload(), await running.upload()
    assert first.id != second.id
    assert first.content == second.content


# Changes of uploaded images


async def test_an_uploaded_map_can_be_composed_regenerated_and_restyled(running: Service) -> None:
    data = picture_bytes()
    wall = {"start": {"x": 0, "y": 0, "unit": 2}, "end": {"x": 2, "y": 0, "unit": 2}, "kind": 1}
    image = await running.upload(data, map={**grid_properties(color="#ff0000", kind=1), "walls": [wall]})
    await running.create_overlay(image.id, element("orc"))
    composed = ImageLayer.IMAGE_LAYER_COMPOSED
    assert await running.read(image.id, layer=composed) != data

    request = RegenerateImageRequest(image_id=image.id, version=1, tactical_map={"features": ["altar"]})
    regenerated = (await running.generate(request)).image
    assert "altar" in str(running.standin.prompts[-1]["prompt"])
    restyled = (await running.generate(ApplyThemeRequest(image_id=image.id, version=2, theme="horror"))).image
    for version, newer in ((2, regenerated), (3, restyled)):
        assert (newer.id, newer.version, newer.map) == (image.id, version, image.map)
        assert (newer.content.size, newer.content.format) == (image.content.size, image.content.format)
        assert len(newer.overlays) == 1
        assert await running.read(image.id, version=version, layer=composed)
    assert await running.read(image.id, version=1) == data
    assert (await running.get_image(image.id, version=1)).content == image.content


@pytest.mark.parametrize(
    "fields",
    [
        PORTRAIT,
        {"type": ImageType.IMAGE_TYPE_ITEM, "subtype": ImageSubtype.IMAGE_SUBTYPE_ARMOR},
        {"subtype": ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "map": {"scale": {"unit": "miles", "value": 5}}},
    ],
    ids=["portrait", "armor", "campaign map"],
)
async def test_an_uploaded_picture_of_each_kind_can_be_restyled(running: Service, fields: dict[str, Any]) -> None:
    source = {"id": new_id(), "service": "tests"}
    image = await running.upload(picture_bytes(80, 60, suffix=".webp"), source=source, **fields)
    restyled = (await running.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="western"))).image
    assert (restyled.type, restyled.subtype, restyled.map) == (image.type, image.subtype, image.map)
    assert (restyled.metadata.source_id, restyled.metadata.service) == (source["id"], "tests")
    assert (restyled.content.size, restyled.content.format) == (image.content.size, image.content.format)


async def test_a_stalled_upload_is_ended(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "STALL_SECONDS", 0.2)
    parts = list(upload_parts())

    async def stalled() -> AsyncIterator[UploadImageRequest]:
        yield parts[0]
        await asyncio.sleep(ENDLESS)

    status = await failed_call(running.images.UploadImage(stalled()))
    assert (status.code, status.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert status.message == "the client sent nothing for 0.2 s"


async def test_uploads_beyond_the_limit_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SLOT_SECONDS", 0.2)
    parts = list(upload_parts())
    holding, may_end = asyncio.Event(), asyncio.Event()

    async def held() -> AsyncIterator[UploadImageRequest]:
        yield parts[0]
        holding.set()
        await may_end.wait()
        for part in parts[1:]:
            yield part

    async with service(tmp_path, uploads_max_concurrent=1) as it:
        first = it.images.UploadImage(held())
        await holding.wait()

        async def is_rejected() -> bool:  # once the server has begun to receive the first
            try:
                await it.images.UploadImage(iter(parts))
            except grpc.aio.AioRpcError as error:
                return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            return False

        await eventually(is_rejected, "the second upload is rejected")
        may_end.set()
        assert (await first).image.id
