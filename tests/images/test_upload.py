"""UploadImage, over a real channel."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
import pyvips
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_service_pb2 import ImageLayer, UploadImageRequest
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc_testkit.eventually import eventually
from tests.service import OWN_MAP, Service, element, on_grid, payload_of, picture_bytes, refusal, service, some_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMATS = {
    ".png": ImageFormat.IMAGE_FORMAT_PNG,
    ".jpg": ImageFormat.IMAGE_FORMAT_JPEG,
    ".webp": ImageFormat.IMAGE_FORMAT_WEBP,
}
PORTRAIT = {"type": ImageType.IMAGE_TYPE_CHARACTER, "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("uploads")) as it:
        yield it


async def sent(running: Service, parts: Iterable[UploadImageRequest]) -> Any:
    async def each() -> AsyncIterator[UploadImageRequest]:
        for part in parts:
            yield part

    return await running.images.UploadImage(each())


def described(**fields: Any) -> UploadImageRequest:
    return UploadImageRequest(description={**OWN_MAP, **fields})


def bytes_(data: bytes) -> UploadImageRequest:
    return UploadImageRequest(data=data)


def noise(side: int, suffix: str = ".png") -> bytes:
    """A picture that is hard to compress."""
    data: bytes = pyvips.Image.gaussnoise(side, side, seed=1).cast("uchar").write_to_buffer(suffix)
    return data


# What is taken


@pytest.mark.parametrize("suffix", FORMATS)
async def test_a_picture_comes_back_byte_by_byte(running: Service, suffix: str) -> None:
    data = picture_bytes(90, 70, suffix=suffix)
    source = {"id": some_id(), "service": "character-service"}
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
    assert await running.image(image.id) == image


async def test_a_picture_of_several_chunks_comes_back_whole(running: Service) -> None:
    data = noise(1800)
    assert len(data) > 2 * 1024 * 1024
    image = await running.upload(data, sha256=hashlib.sha256(data).hexdigest())
    assert await running.read(image.id) == data


@pytest.mark.parametrize("size", [(32, 32), (4096, 32), (33, 4096)])
async def test_sides_may_be_32_to_4096_pixels(running: Service, size: tuple[int, int]) -> None:
    image = await running.upload(picture_bytes(*size))
    assert (image.content.size.width, image.content.size.height) == size


async def test_an_upload_is_told_with_the_callers_correlation_id(running: Service) -> None:
    async def parts() -> AsyncIterator[UploadImageRequest]:
        yield described(source={"id": source_id})
        yield bytes_(picture_bytes())

    source_id = some_id()
    async with running.hearing("image.generated") as events:
        metadata = (("x-correlation-id", "upload-1"),)
        image = (await running.images.UploadImage(parts(), metadata=metadata)).image
        await eventually(lambda: bool(events), "the upload is told")
    [event] = events
    assert event.correlation_id == "upload-1"
    said = payload_of(event)
    assert said.pop("timestamp")
    assert said == {
        "storage_correlation_id": image.storage_correlation_id,
        "image_id": image.id,
        "type": "map",
        "source_id": source_id,
    }


# What is refused


def is_refused(error: Any, field: str) -> None:
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


BAD_DATA = {
    "nothing": b"",
    "HTML": b"<html><body>not a picture</body></html>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
    "GIF": picture_bytes(suffix=".gif"),
    "AVIF": picture_bytes(suffix=".avif"),
    "a truncated PNG": noise(100)[:-500],
    "a truncated JPEG": noise(100, ".jpg")[:-500],
    "a truncated WebP": noise(100, ".webp")[:-500],
    "only the head of a PNG": picture_bytes()[:20],
    "too small a side": picture_bytes(31, 64),
    "too large a side": picture_bytes(32, 4097),
}


@pytest.mark.parametrize("bad", BAD_DATA)
async def test_what_is_no_whole_picture_of_a_proper_size_is_refused(running: Service, bad: str) -> None:
    is_refused(await refusal(running.upload(BAD_DATA[bad])), "data")


async def test_a_sha256_that_is_not_that_of_the_data_is_refused(running: Service) -> None:
    error = await refusal(running.upload(sha256="0" * 64))
    is_refused(error, "description.sha256")
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
        ({"map": {"scale": {"unit": "miles", "value": 5}}}, "description.map.scale"),
        ({"subtype": ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "map": on_grid()}, "description.map.grid"),
    ],
    ids=str,
)
async def test_a_description_that_makes_no_sense_is_refused(
    running: Service, fields: dict[str, Any], field: str
) -> None:
    error = await refusal(running.upload(**fields))
    is_refused(error, field)
    assert error.reason == ("INVALID_THEME" if field.endswith("theme") else "INVALID_ARGUMENT")


async def test_the_description_comes_first_and_once(running: Service) -> None:
    data = picture_bytes()
    for parts in (
        [],
        [bytes_(data)],
        [bytes_(data), described()],
        [described(), described(), bytes_(data)],
        [described(), bytes_(data), described()],
    ):
        is_refused(await refusal(sent(running, parts)), "description")
    is_refused(await refusal(sent(running, [UploadImageRequest()])), "part")
    is_refused(await refusal(sent(running, [described(), bytes_(b"x" * (1024 * 1024 + 1))])), "data")


async def test_more_bytes_than_the_setting_allows_are_refused_before_all_have_come(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[UploadImageRequest]:
        nonlocal taken
        yield described()
        while True:
            taken += 1
            yield bytes_(b"x" * 100_000)

    async with service(tmp_path, upload_max_bytes=1_000_000) as it:
        error = await refusal(it.images.UploadImage(endless()))
        is_refused(error, "data")
        assert "1000000" in error.message
        assert taken < 1000
        data = picture_bytes()
        assert await it.read((await it.upload(data)).id) == data


async def test_a_caller_that_leaves_amid_an_upload_leaves_nothing(running: Service) -> None:
    started = asyncio.Event()

    async def parts() -> AsyncIterator[UploadImageRequest]:
        yield described(request_id=request_id)
        started.set()
        await asyncio.sleep(3600)

    request_id = some_id()
    call = running.images.UploadImage(parts())
    await started.wait()
    call.cancel()
    assert await running.upload(request_id=request_id)


# Sent again


async def test_a_request_id_makes_one_image_however_often_it_comes(running: Service) -> None:
    request_id = some_id()
    images = await asyncio.gather(*(running.upload(request_id=request_id) for _ in range(5)))
    assert all(image == images[0] for image in images)
    checked = await running.upload(request_id=request_id, sha256=images[0].content.sha256)
    assert checked == images[0], "the bytes are the same, whether they are checked or not"
    for other in (
        running.upload(picture_bytes(64, 64), request_id=request_id),
        running.upload(theme="horror", request_id=request_id),
    ):
        error = await refusal(other)
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_the_same_picture_twice_without_a_request_id_is_two_images(running: Service) -> None:
    first, second = await running.upload(), await running.upload()
    assert first.id != second.id
    assert first.content == second.content


# What can be done with it


async def test_an_uploaded_map_can_be_composed_regenerated_and_given_another_theme(running: Service) -> None:
    data = picture_bytes()
    wall = {"start": {"x": 0, "y": 0, "unit": 2}, "end": {"x": 2, "y": 0, "unit": 2}, "kind": 1}
    image = await running.upload(data, map={**on_grid(color="#ff0000", kind=1), "walls": [wall]})
    await running.overlay(image.id, element("orc"))
    composed = ImageLayer.IMAGE_LAYER_COMPOSED
    assert await running.read(image.id, layer=composed) != data

    request = RegenerateImageRequest(image_id=image.id, version=1, tactical_map={"features": ["altar"]})
    redrawn = (await running.generate(request)).image
    assert "altar" in str(running.standin.prompts[-1]["prompt"])
    themed = (await running.generate(ApplyThemeRequest(image_id=image.id, version=2, theme="horror"))).image
    for version, newer in ((2, redrawn), (3, themed)):
        assert (newer.id, newer.version, newer.map) == (image.id, version, image.map)
        assert (newer.content.size, newer.content.format) == (image.content.size, image.content.format)
        assert len(newer.overlays) == 1
        assert await running.read(image.id, version=version, layer=composed)
    assert await running.read(image.id, version=1) == data
    assert (await running.image(image.id, version=1)).content == image.content


@pytest.mark.parametrize(
    "fields",
    [
        PORTRAIT,
        {"type": ImageType.IMAGE_TYPE_ITEM, "subtype": ImageSubtype.IMAGE_SUBTYPE_ARMOR},
        {"subtype": ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, "map": {"scale": {"unit": "miles", "value": 5}}},
    ],
    ids=["portrait", "armor", "campaign map"],
)
async def test_an_uploaded_picture_of_each_kind_can_be_given_another_theme(
    running: Service, fields: dict[str, Any]
) -> None:
    source = {"id": some_id(), "service": "tests"}
    image = await running.upload(picture_bytes(80, 60, suffix=".webp"), source=source, **fields)
    themed = (await running.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="western"))).image
    assert (themed.type, themed.subtype, themed.map) == (image.type, image.subtype, image.map)
    assert (themed.metadata.source_id, themed.metadata.service) == (source["id"], "tests")
    assert (themed.content.size, themed.content.format) == (image.content.size, image.content.format)
