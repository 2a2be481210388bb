"""Listing, reading, restoring and announcing versions."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, ListImageVersionsRequest, RestoreImageVersionRequest

from image_grpc_testkit.eventually import eventually
from tests.generation.revisions.calls import apply, is_conflict, is_not_found, regenerate, restore
from tests.service import Service, new_id, payload_of
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_events_of_new_versions_have_the_callers_correlation_id(platform: Service, face: Image) -> None:
    metadata = (("x-correlation-id", "campaign-9"),)
    async with platform.events_on("image.generated", "theme.applied") as events:
        restyling = ApplyThemeRequest(image_id=face.id, version=1, theme="horror", elements=[1, 5])
        image = (await platform.generate(restyling, metadata=metadata)).image
        changed = RegenerateImageRequest(image_id=face.id, version=2, portrait={"species": "orc"})
        newer = (await platform.generate(changed, metadata=metadata)).image
        restoring = RestoreImageVersionRequest(image_id=face.id, version=3, restore_version=1)
        restored = (await platform.images.RestoreImageVersion(restoring, metadata=metadata)).image
        await eventually(lambda: len(events) == 4, "all events arrive")
    assert {event.correlation_id for event in events} == {"campaign-9"}
    [applied] = [payload_of(event) for event in events if event.type == "theme_applied"]
    assert applied == {"image_id": face.id, "theme": "horror", "elements": ["architecture", "color_scheme"]}
    generated = [payload_of(event) for event in events if event.type == "image_generated"]
    assert [each["storage_correlation_id"] for each in generated] == [
        each.storage_correlation_id for each in (image, newer, restored)
    ]
    for each in generated:
        assert each.keys() == {"storage_correlation_id", "image_id", "type", "source_id", "timestamp"}
        assert (each["image_id"], each["type"]) == (face.id, "character")
        assert each["source_id"] == face.metadata.source_id
        assert each["timestamp"]


# Versions


async def test_every_version_can_be_listed_and_read(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face, portrait={"species": "orc"})).image
    three = (await apply(platform, two, "horror")).image
    versions = [face, two, three]
    pages, token = [], ""
    while not pages or token:
        request = ListImageVersionsRequest(image_id=face.id, page_size=2, page_token=token)
        page = await platform.images.ListImageVersions(request)
        pages.append(list(page.images))
        token = page.next_page_token
    assert pages == [[three, two], [face]]
    for image in versions:
        assert await platform.get_image(face.id, version=image.version) == image
        assert len(await platform.read(face.id, version=image.version)) == image.content.byte_size
    assert is_not_found(await failed_call(platform.get_image(face.id, version=4)))


async def test_an_old_version_of_a_map_has_its_overlays(platform: Service, field: Image) -> None:
    await regenerate(platform, field)
    listed = (await platform.images.ListImageVersions(ListImageVersionsRequest(image_id=field.id))).images
    for image in (await platform.get_image(field.id, version=1), *listed):
        assert list(image.overlays) == list(field.overlays)


async def test_a_restored_version_is_a_new_version_with_the_old_picture(platform: Service, field: Image) -> None:
    old = await platform.read(field.id)
    two = (await apply(platform, field, "horror")).image
    three = await restore(platform, two, 1)
    assert (three.version, three.content, three.map, three.metadata) == (3, field.content, field.map, field.metadata)
    assert list(three.overlays) == list(field.overlays)
    assert three.storage_correlation_id not in ("", field.storage_correlation_id)
    assert (three.create_time, three.update_time != field.update_time) == (field.create_time, True)
    assert await platform.get_image(field.id) == three
    assert await platform.read(field.id) == old
    assert await platform.get_image(field.id, version=2) == two


async def test_an_impossible_restoration_is_refused(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face)).image
    assert is_conflict(await failed_call(restore(platform, face, 1)))
    assert is_conflict(await failed_call(restore(platform, face, 1, request_id=new_id())))
    assert is_not_found(await failed_call(restore(platform, two, 3)))
    assert is_not_found(await failed_call(restore(platform, Image(id=new_id(), version=2), 1)))
    refused = await failed_call(restore(platform, two, 0))
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["restore_version"])
    await platform.images.DeleteImage(DeleteImageRequest(image_id=face.id))
    assert is_not_found(await failed_call(restore(platform, two, 1)))


async def test_a_restoration_happens_once_per_request_id(platform: Service, face: Image) -> None:
    two = (await regenerate(platform, face)).image
    request_id = new_id()
    results = await asyncio.gather(*(restore(platform, two, 1, request_id=request_id) for _ in range(5)))
    assert all(each == results[0] for each in results)
    assert await restore(platform, results[0], 1, request_id=request_id) == results[0]
    assert (await platform.get_image(face.id)).version == 3
    refused = await failed_call(restore(platform, two, 2, request_id=request_id))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
