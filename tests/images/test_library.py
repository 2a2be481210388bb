"""ImageService without uploads, downloads and watches, over a real channel, with generated images."""

from __future__ import annotations

import uuid
from pathlib import Path

import grpc
import pytest
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from tests.service import Service, item, new_id, portrait, service
from tests.statuses import failed_call, failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


# Get


async def test_an_image_has_the_fields_of_its_generation_request(running: Service) -> None:
    source_id = new_id()
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
    id_ = new_id()
    error = await failed_call(running.images.GetImage(pb.GetImageRequest(image_id=id_, version=version)))
    assert (error.code, error.reason, error.metadata) == (
        grpc.StatusCode.NOT_FOUND,
        "IMAGE_NOT_FOUND",
        {"image_id": id_},
    )


async def test_a_version_that_does_not_exist_is_not_found(running: Service, image: Image) -> None:
    error = await failed_call(running.images.GetImage(pb.GetImageRequest(image_id=image.id, version=2)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


@pytest.mark.parametrize("id_", ["", "7", "not-a-uuid", "x" * 36, "g1a2b3c4-0000-4000-8000-000000000000"])
async def test_a_malformed_id_is_rejected(running: Service, id_: str) -> None:
    error = await failed_call(running.images.GetImage(pb.GetImageRequest(image_id=id_)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["image_id"])


async def test_a_batch_reports_the_ids_of_missing_images(running: Service, image: Image, own_image: Image) -> None:
    deleted, unknown = own_image.id, new_id()
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=deleted))
    request = pb.BatchGetImagesRequest(image_ids=[unknown, image.id, deleted])
    response = await running.images.BatchGetImages(request)
    assert list(response.images) == [image]
    assert list(response.missing_image_ids) == [unknown, deleted]


@pytest.mark.parametrize(("ids", "field"), [([], "image_ids"), ([new_id()] * 101, "image_ids")], ids=["0", "101"])
async def test_a_batch_of_0_or_more_than_100_images_is_rejected(running: Service, ids: list[str], field: str) -> None:
    error = await failed_call(running.images.BatchGetImages(pb.BatchGetImagesRequest(image_ids=ids)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


# List


async def test_images_are_filtered_by_source_type_and_theme(running: Service) -> None:
    source_id = new_id()
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
        {"source_id": new_id()},
    ):
        assert not (await running.images.ListImages(pb.ListImagesRequest(**filter_))).images


async def test_pages_together_are_the_whole_listing(running: Service) -> None:
    source_id = new_id()
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


async def test_a_negative_page_size_is_rejected(running: Service) -> None:
    error = await failed_call(running.images.ListImages(pb.ListImagesRequest(page_size=-1)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_size"])


async def test_a_page_size_above_the_maximum_is_reduced(running: Service, image: Image) -> None:
    assert (await running.images.ListImages(pb.ListImagesRequest(page_size=2**31 - 1))).images


@pytest.mark.parametrize("token", ["forged", "AAAA", "ÿ", "e30=", "x" * 512, "YXQ6MQ=="])
async def test_a_forged_page_token_is_rejected(running: Service, token: str) -> None:
    for call in (
        running.images.ListImages(pb.ListImagesRequest(page_token=token)),
        running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=new_id(), page_token=token)),
    ):
        error = await failed_call(call)
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
        assert error.fields == ["page_token"]


async def test_a_page_token_of_another_listing_is_rejected(running: Service, image: Image, own_image: Image) -> None:
    token = (await running.images.ListImages(pb.ListImagesRequest(page_size=1))).next_page_token
    error = await failed_call(running.images.ListImages(pb.ListImagesRequest(theme="horror", page_token=token)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_the_versions_of_an_image_are_listed(running: Service, image: Image) -> None:
    listed = await running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=image.id))
    assert list(listed.images) == [image]
    error = await failed_call(running.images.ListImageVersions(pb.ListImageVersionsRequest(image_id=new_id())))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


# Delete and undelete


async def test_a_deleted_image_is_not_found_until_it_is_restored(running: Service, own_image: Image) -> None:
    data = await running.read(own_image.id)
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=own_image.id))
    assert (await failed_call(running.images.GetImage(pb.GetImageRequest(image_id=own_image.id)))).reason == (
        "IMAGE_NOT_FOUND"
    )
    read = running.images.ReadImage(pb.ReadImageRequest(image_id=own_image.id))
    assert (await failed_stream(read)).reason == "IMAGE_NOT_FOUND"
    deleted = await running.images.GetImage(pb.GetImageRequest(image_id=own_image.id, show_deleted=True))
    assert deleted.image.id == own_image.id
    restored = await running.images.UndeleteImage(pb.UndeleteImageRequest(image_id=own_image.id))
    assert restored.image.id == own_image.id
    assert await running.read(own_image.id) == data


async def test_a_deletion_is_visible_at_once_without_the_change_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(tmp_path) as it:
        stored = (await it.generate(portrait())).image
        monkeypatch.setattr("image_grpc.storage_service.outbox.Relay.publish", lambda relay, entries: None)
        assert (await it.images.GetImage(pb.GetImageRequest(image_id=stored.id))).image == stored
        await it.images.DeleteImage(pb.DeleteImageRequest(image_id=stored.id))
        error = await failed_call(it.images.GetImage(pb.GetImageRequest(image_id=stored.id)))
        assert error.reason == "IMAGE_NOT_FOUND"
        await it.images.UndeleteImage(pb.UndeleteImageRequest(image_id=stored.id))
        assert (await it.images.GetImage(pb.GetImageRequest(image_id=stored.id))).image == stored


async def test_deleted_images_are_listed_on_request_only(running: Service) -> None:
    source_id = new_id()
    image = (await running.generate(portrait(source={"id": source_id}))).image
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=image.id))
    listed = await running.images.ListImages(pb.ListImagesRequest(source_id=source_id))
    with_deleted = await running.images.ListImages(pb.ListImagesRequest(source_id=source_id, show_deleted=True))
    assert (len(listed.images), [each.id for each in with_deleted.images]) == (0, [image.id])


@pytest.mark.parametrize("method", ["DeleteImage", "UndeleteImage"])
async def test_a_missing_image_cannot_be_deleted_or_restored(running: Service, method: str) -> None:
    request = getattr(pb, f"{method}Request")(image_id=new_id())
    error = await failed_call(getattr(running.images, method)(request))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


async def test_a_stale_version_is_aborted(running: Service, own_image: Image) -> None:
    error = await failed_call(running.images.DeleteImage(pb.DeleteImageRequest(image_id=own_image.id, version=7)))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=own_image.id))).image == own_image


async def test_a_repeated_request_id_returns_the_first_response(running: Service, own_image: Image) -> None:
    delete = pb.DeleteImageRequest(image_id=own_image.id, version=own_image.version, request_id=new_id())
    first = await running.images.DeleteImage(delete)
    assert await running.images.DeleteImage(delete) == first
    undelete = pb.UndeleteImageRequest(image_id=own_image.id, request_id=new_id())
    first = await running.images.UndeleteImage(undelete)
    assert await running.images.UndeleteImage(undelete) == first
    # A repeated request has no effect, even after a later change.
    await running.images.DeleteImage(delete)
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=own_image.id))).image.id == own_image.id


@pytest.mark.parametrize("method", ["DeleteImage", "UndeleteImage"])
async def test_a_request_id_with_other_content_is_rejected(
    running: Service, image: Image, own_image: Image, method: str
) -> None:
    kind, call = getattr(pb, f"{method}Request"), getattr(running.images, method)
    request_id = new_id()
    await running.images.DeleteImage(pb.DeleteImageRequest(image_id=own_image.id, request_id=request_id))
    await running.images.UndeleteImage(pb.UndeleteImageRequest(image_id=own_image.id, request_id=request_id))
    error = await failed_call(call(kind(image_id=image.id, request_id=request_id)))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=image.id))).image == image


async def test_uuids_are_case_insensitive(running: Service, own_image: Image) -> None:
    upper = own_image.id.upper()
    assert (await running.images.GetImage(pb.GetImageRequest(image_id=upper))).image == own_image
    batch = await running.images.BatchGetImages(pb.BatchGetImagesRequest(image_ids=[upper]))
    assert list(batch.images) == [own_image]
    request_id = new_id()
    first = await running.generate(portrait(details="once", request_id=request_id, cache=2))
    assert (await running.generate(portrait(details="once", request_id=request_id.upper(), cache=2))) == first
