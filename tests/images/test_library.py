"""ImageService, over a real channel, on pictures that were really generated."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc.storage import ReadCache
from tests.service import Service, item, portrait, refusal, refused_stream, service, tactical_map

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SEVERAL_CHUNKS = {"width": 1500, "height": 1500}
"""So large that a PNG has more bytes than a chunk."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("images")) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def image(running: Service) -> Image:
    """A picture of more than one chunk, that no test changes."""
    return (await running.generate(tactical_map(size=SEVERAL_CHUNKS))).image


@pytest_asyncio.fixture(loop_scope="module")
async def own(running: Service) -> Image:
    """A picture that a test may change."""
    return (await running.generate(portrait(details=str(uuid.uuid4())))).image


def some_id() -> str:
    return str(uuid.uuid4())


# Read


async def test_a_picture_is_read_in_chunks_that_any_client_takes(running: Service, image: Image) -> None:
    parts = [part async for part in running.images.ReadImage(pb.ReadImageRequest(image_id=image.id))]
    assert parts[0].content == image.content
    chunks = [part.data for part in parts[1:]]
    assert len(chunks) > 1
    assert all(0 < len(chunk) <= MIB for chunk in chunks)
    data = b"".join(chunks)
    assert len(data) == image.content.byte_size
    assert hashlib.sha256(data).hexdigest() == image.content.sha256


@pytest.mark.parametrize(
    ("offset", "limit"), [(0, 1), (0, MIB), (1, MIB), (MIB - 1, 2), (MIB, 1), (MIB + 1, 0), (17, 0), (5, 10**12)]
)
async def test_any_range_can_be_read(running: Service, image: Image, offset: int, limit: int) -> None:
    whole = await running.read(image.id)
    wanted = whole[offset : offset + limit] if limit else whole[offset:]
    assert await running.read(image.id, offset=offset, limit=limit) == wanted


async def test_at_its_end_a_picture_has_no_more_bytes(running: Service, image: Image) -> None:
    request = pb.ReadImageRequest(image_id=image.id, offset=image.content.byte_size)
    [described] = [part async for part in running.images.ReadImage(request)]
    assert described.content == image.content


async def test_an_offset_past_the_end_is_refused(running: Service, image: Image) -> None:
    request = pb.ReadImageRequest(image_id=image.id, offset=image.content.byte_size + 1)
    error = await refused_stream(running.images.ReadImage(request))
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE")
    assert error.fields == ["offset"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("offset", -1), ("limit", -1), ("version", -1), ("max_side", 15), ("max_side", 4097), ("image_id", "7")],
)
async def test_a_read_that_makes_no_sense_is_refused(running: Service, image: Image, field: str, value: Any) -> None:
    request = pb.ReadImageRequest(**{"image_id": image.id, field: value})
    error = await refused_stream(running.images.ReadImage(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_the_stored_format_and_the_base_layer_may_be_named(running: Service, image: Image) -> None:
    named = {"format": image.content.format, "layer": pb.ImageLayer.IMAGE_LAYER_BASE, "version": 1}
    assert await running.read(image.id, **named) == await running.read(image.id)


async def test_downloads_over_the_limit_wait_and_are_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_grpc.images.content.SLOT_SECONDS", 0.05)
    started, go = asyncio.Event(), asyncio.Event()
    part = ReadCache.part

    async def slow(cache: ReadCache, sha256: str, index: int) -> bytes:
        started.set()
        await go.wait()
        return await part(cache, sha256, index)

    monkeypatch.setattr(ReadCache, "part", slow)
    async with service(tmp_path, downloads_max_concurrent=1) as it:
        stored = (await it.generate(portrait())).image
        async with asyncio.TaskGroup() as group:
            first = group.create_task(it.read(stored.id))
            await started.wait()
            error = await refused_stream(it.images.ReadImage(pb.ReadImageRequest(image_id=stored.id)))
            go.set()
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert error.retry_seconds == 1.0
        assert len(first.result()) == stored.content.byte_size
        assert await it.read(stored.id) == first.result(), "a place that was left is free again"


# Get


async def test_an_image_is_answered_with_all_that_is_known_of_it(running: Service) -> None:
    source_id = some_id()
    source = {"id": source_id, "service": "campaign-service"}
    generation = await running.generate(item(theme="western", source=source, size={"width": 90, "height": 70}))
    image = (await running.images.GetImage(pb.GetImageRequest(image_id=generation.image.id))).image
    assert image == generation.image
    assert (image.type, image.subtype) == (ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_OTHER)
    assert (image.content.size.width, image.content.size.height) == (90, 70)
    assert image.content.format == ImageFormat.IMAGE_FORMAT_PNG
    assert (image.metadata.theme, image.metadata.source_id) == ("western", source_id)
    assert image.metadata.service == "campaign-service"
    assert image.metadata.generation_params.generation_id == generation.id
    assert image.version == 1
    assert uuid.UUID(image.storage_id)
    assert uuid.UUID(image.storage_correlation_id)


@pytest.mark.parametrize("version", [0, 7])
async def test_an_image_that_does_not_exist_is_not_found(running: Service, version: int) -> None:
    id_ = some_id()
    error = await refusal(running.images.GetImage(pb.GetImageRequest(image_id=id_, version=version)))
    assert (error.code, error.reason, error.metadata) == (
        grpc.StatusCode.NOT_FOUND,
        "IMAGE_NOT_FOUND",
        {"image_id": id_},
    )


async def test_a_version_that_does_not_exist_is_not_found(running: Service, image: Image) -> None:
    error = await refusal(running.images.GetImage(pb.GetImageRequest(image_id=image.id, version=2)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


@pytest.mark.parametrize("id_", ["", "7", "not-a-uuid", "x" * 36, "g1a2b3c4-0000-4000-8000-000000000000"])
async def test_a_malformed_id_is_refused(running: Service, id_: str) -> None:
    error = await refusal(running.images.GetImage(pb.GetImageRequest(image_id=id_)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["image_id"])


async def test_of_several_images_the_missing_ones_are_named(running: Service, image: Image, own: Image) -> None:
    gone, never = own.id, some_id()
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=gone))
    request = pb.BatchGetImagesRequest(image_ids=[never, image.id, gone])
    response = await running.images.BatchGetImages(request)
    assert list(response.images) == [image]
    assert list(response.missing_image_ids) == [never, gone]


@pytest.mark.parametrize(("ids", "field"), [([], "image_ids"), ([some_id()] * 101, "image_ids")], ids=["0", "101"])
async def test_a_batch_has_between_1_and_100_images(running: Service, ids: list[str], field: str) -> None:
    error = await refusal(running.images.BatchGetImages(pb.BatchGetImagesRequest(image_ids=ids)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


# List


async def test_images_are_listed_by_what_they_are_for(running: Service) -> None:
    source_id = some_id()
    created = [
        (await running.generate(portrait(details=text, source={"id": source_id, "service": "tests"}))).image
        for text in ("first", "second", "third")
    ]
    for filter_ in (
        {"source_id": source_id},
        {"source_id": source_id, "theme": "fantasy", "service": "tests"},
        {"source_id": source_id, "type": ImageType.IMAGE_TYPE_CHARACTER},
        {"source_id": source_id, "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT},
    ):
        listed = await running.images.ListImages(pb.ListImagesRequest(**filter_))
        assert [image.id for image in listed.images] == [image.id for image in reversed(created)]
    for filter_ in (
        {"source_id": source_id, "theme": "horror"},
        {"source_id": source_id, "type": ImageType.IMAGE_TYPE_MAP},
        {"source_id": source_id, "service": "others"},
        {"source_id": some_id()},
    ):
        assert not (await running.images.ListImages(pb.ListImagesRequest(**filter_))).images


async def test_pages_put_together_are_the_list(running: Service) -> None:
    source_id = some_id()
    for text in ("first", "second", "third", "fourth", "fifth"):
        await running.generate(portrait(details=text, source={"id": source_id}))
    whole = (await running.images.ListImages(pb.ListImagesRequest(source_id=source_id))).images
    assert len(whole) == 5
    pages, token = [], ""
    while not pages or token:
        request = pb.ListImagesRequest(source_id=source_id, page_size=2, page_token=token)
        page = await running.images.ListImages(request)
        pages.append(list(page.images))
        token = page.next_page_token
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [image for page in pages for image in page] == list(whole)


async def test_a_negative_page_size_is_refused(running: Service) -> None:
    error = await refusal(running.images.ListImages(pb.ListImagesRequest(page_size=-1)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_size"])


async def test_too_large_a_page_size_is_lowered(running: Service, image: Image) -> None:
    assert (await running.images.ListImages(pb.ListImagesRequest(page_size=2**31 - 1))).images


@pytest.mark.parametrize("token", ["forged", "AAAA", "ÿ", "e30=", "x" * 512, "YXQ6MQ=="])
async def test_a_forged_page_token_is_refused(running: Service, token: str) -> None:
    for call in (
        running.images.ListImages(pb.ListImagesRequest(page_token=token)),
        running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=some_id(), page_token=token)),
    ):
        error = await refusal(call)
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert error.fields == ["page_token"]


async def test_a_page_token_of_another_listing_is_refused(running: Service, image: Image, own: Image) -> None:
    token = (await running.images.ListImages(pb.ListImagesRequest(page_size=1))).next_page_token
    error = await refusal(running.images.ListImages(pb.ListImagesRequest(theme="horror", page_token=token)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_the_versions_of_an_image_are_listed(running: Service, image: Image) -> None:
    listed = await running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=image.id))
    assert list(listed.images) == [image]
    error = await refusal(running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=some_id())))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


# Delete and undelete


async def test_a_deleted_image_is_gone_until_it_is_restored(running: Service, own: Image) -> None:
    data = await running.read(own.id)
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=own.id))
    assert (await refusal(running.images.GetImage(pb.GetImageRequest(image_id=own.id)))).reason == ("IMAGE_NOT_FOUND")
    read = running.images.ReadImage(pb.ReadImageRequest(image_id=own.id))
    assert (await refused_stream(read)).reason == "IMAGE_NOT_FOUND"
    shown = await running.images.GetImage(pb.GetImageRequest(image_id=own.id, show_deleted=True))
    assert shown.image.id == own.id
    restored = await running.images.UndeleteImage(pb.UndeleteImageRequest(image_id=own.id))
    assert restored.image.id == own.id
    assert await running.read(own.id) == data


async def test_who_deletes_an_image_finds_it_gone_however_late_the_change_feed_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(tmp_path) as it:
        stored = (await it.generate(portrait())).image
        monkeypatch.setattr("image_grpc.storage_service.outbox.Relay.publish", lambda relay, entries: None)
        assert (await it.images.GetImage(pb.GetImageRequest(image_id=stored.id))).image == stored
        await it.images.DeleteImage(pb.DeleteImageRequest(image_id=stored.id))
        error = await refusal(it.images.GetImage(pb.GetImageRequest(image_id=stored.id)))
        assert error.reason == "IMAGE_NOT_FOUND"
        await it.images.UndeleteImage(pb.UndeleteImageRequest(image_id=stored.id))
        assert (await it.images.GetImage(pb.GetImageRequest(image_id=stored.id))).image == stored


async def test_deleted_images_are_listed_on_demand_only(running: Service) -> None:
    source_id = some_id()
    image = (await running.generate(portrait(source={"id": source_id}))).image
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=image.id))
    listed = await running.images.ListImages(pb.ListImagesRequest(source_id=source_id))
    shown = await running.images.ListImages(pb.ListImagesRequest(source_id=source_id, show_deleted=True))
    assert (len(listed.images), [each.id for each in shown.images]) == (0, [image.id])


@pytest.mark.parametrize("method", ["DeleteImage", "UndeleteImage"])
async def test_what_does_not_exist_is_neither_deleted_nor_restored(running: Service, method: str) -> None:
    request = getattr(pb, f"{method}Request")(image_id=some_id())
    error = await refusal(getattr(running.images, method)(request))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


async def test_a_stale_version_is_not_deleted(running: Service, own: Image) -> None:
    error = await refusal(running.images.DeleteImage(pb.DeleteImageRequest(image_id=own.id, version=7)))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=own.id))).image == own


async def test_the_same_request_id_again_gets_the_first_answer(running: Service, own: Image) -> None:
    delete = pb.DeleteImageRequest(image_id=own.id, version=own.version, request_id=some_id())
    first = await running.images.DeleteImage(delete)
    assert await running.images.DeleteImage(delete) == first
    undelete = pb.UndeleteImageRequest(image_id=own.id, request_id=some_id())
    first = await running.images.UndeleteImage(undelete)
    assert await running.images.UndeleteImage(undelete) == first
    # Sent late once more, neither happens again.
    await running.images.DeleteImage(delete)
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=own.id))).image.id == own.id


@pytest.mark.parametrize("method", ["DeleteImage", "UndeleteImage"])
async def test_the_same_request_id_with_other_content_is_refused(
    running: Service, image: Image, own: Image, method: str
) -> None:
    kind, call = getattr(pb, f"{method}Request"), getattr(running.images, method)
    request_id = some_id()
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=own.id, request_id=request_id))
    await running.images.UndeleteImage(pb.UndeleteImageRequest(image_id=own.id, request_id=request_id))
    error = await refusal(call(kind(image_id=image.id, request_id=request_id)))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=image.id))).image == image


async def test_a_uuid_is_the_same_in_upper_case(running: Service, own: Image) -> None:
    upper = own.id.upper()
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=upper))).image == own
    batch = await running.images.BatchGetImages(pb.BatchGetImagesRequest(image_ids=[upper]))
    assert list(batch.images) == [own]
    request_id = some_id()
    first = await running.generate(portrait(details="once", request_id=request_id, cache=2))
    assert (await running.generate(portrait(details="once", request_id=request_id.upper(), cache=2))) == first
