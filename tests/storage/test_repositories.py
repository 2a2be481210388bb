"""Repositories: reads from the cache where that is safe, and from the Storage Service otherwise."""

from __future__ import annotations

import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_service_pb2 import ListImagesRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder

from image_grpc.errors import ImageNotFound
from image_grpc.messages import clone
from image_grpc.storage import RecordNotFound
from image_grpc.storage.codecs import GENERATIONS, IMAGES, OVERLAYS, THEMES
from image_grpc.storage.filters import overlays_of_map, picture_filter, state_labels, with_theme
from image_grpc_testkit.contracts.records import (
    MEBIBYTE,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    name_of,
    new_id,
    some_bytes,
)
from tests.storage.fake_service import Bench


class TestVersions:
    async def test_get_reads_the_latest_version_through_the_cache(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        for _ in range(2):
            assert await bench.storage.images.get(image.id) == image
        assert len(bench.service.requests) == 1
        assert await bench.storage.images.get(new_id()) is None

    async def test_get_latest_ignores_the_cache(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        await bench.storage.images.get(image.id)
        newer = bench.service.put(IMAGES, image)
        assert await bench.storage.images.get(image.id) == image
        assert await bench.storage.images.get_latest(image.id) == newer

    async def test_the_cached_version_serves_requests_for_that_version_only(self, bench: Bench) -> None:
        images = bench.storage.images
        old = bench.service.put(IMAGES, an_image())
        latest = bench.service.put(IMAGES, old)
        assert await images.get(old.id) == latest
        assert await images.get_version(old.id, 2) == latest
        assert len(bench.service.requests) == 1
        assert await images.get_version(old.id, 1) == old
        assert len(bench.service.requests) == 2
        assert await images.get_version(old.id, 3) is None

    async def test_version_zero_is_the_latest_as_stored(self, bench: Bench) -> None:
        theme = bench.service.put(THEMES, a_theme())
        assert await bench.storage.themes.get(theme.name) == theme
        newer = bench.service.put(THEMES, theme)
        assert await bench.storage.themes.get_version(theme.name, 0) == newer

    async def test_deleted_records_are_returned_on_request(self, bench: Bench) -> None:
        themes = bench.storage.themes
        theme = bench.service.put(THEMES, a_theme())
        bench.service.delete(THEMES, theme.name)
        for version in (0, 1):
            assert await themes.get_version(theme.name, version) is None
            deleted = await themes.get_version(theme.name, version, include_deleted=True)
            assert deleted is not None
            assert deleted.version == 1

    async def test_a_version_of_a_generation_can_be_read(self, bench: Bench) -> None:
        old = bench.service.put(GENERATIONS, a_generation())
        bench.service.put(GENERATIONS, old)
        assert await bench.storage.generations.get_version(old.generation.id, 1) == old


class TestAfterChange:
    async def test_the_record_in_the_change_is_used(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        change = bench.service.change(IMAGES, image.id)
        assert await bench.storage.images.after_change(change) == image
        assert bench.service.requests == []

    async def test_a_record_that_is_too_large_for_the_change_is_retrieved_at_its_version(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        change = bench.service.change(IMAGES, image.id, inline=False)
        bench.service.put(IMAGES, image)
        assert await bench.storage.images.after_change(change) == image
        deleted = bench.service.delete(IMAGES, image.id)
        change = bench.service.change(IMAGES, image.id, inline=False)
        assert await bench.storage.images.after_change(change) == deleted


class TestRequiredImages:
    async def test_a_missing_image_is_not_found(self, bench: Bench) -> None:
        id_ = new_id()
        for version in (0, 1):
            with pytest.raises(ImageNotFound) as missing:
                await bench.storage.images.require_version(id_, version)
            assert missing.value.metadata == {"image_id": id_}
        with pytest.raises(ImageNotFound, match=f"image {id_} does not exist"):
            await bench.storage.images.require(id_)

    async def test_each_version_of_an_image_can_be_required(self, bench: Bench) -> None:
        images = bench.storage.images
        old = bench.service.put(IMAGES, an_image())
        latest = bench.service.put(IMAGES, old)
        assert await images.require(old.id) == latest
        for version, expected in ((0, latest), (1, old), (2, latest)):
            assert await images.require_version(old.id, version) == expected
        with pytest.raises(ImageNotFound, match="with version 3 does not exist"):
            await images.require_version(old.id, 3)

    async def test_the_latest_version_comes_from_the_cache(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        for version in (0, 1, 0):
            await bench.storage.images.require_version(image.id, version)
        assert len(bench.service.requests) == 1

    async def test_all_versions_of_a_deleted_image_are_not_found(self, bench: Bench) -> None:
        images = bench.storage.images
        old = bench.service.put(IMAGES, an_image())
        bench.service.put(IMAGES, old)
        bench.service.delete(IMAGES, old.id)
        for version in (0, 1, 2):
            with pytest.raises(ImageNotFound):
                await images.require_version(old.id, version)
        with pytest.raises(ImageNotFound):
            await images.require(old.id)

    async def test_deleted_images_can_be_included(self, bench: Bench) -> None:
        images = bench.storage.images
        old = bench.service.put(IMAGES, an_image())
        bench.service.put(IMAGES, old)
        deleted = bench.service.delete(IMAGES, old.id)
        for version, expected in ((0, deleted), (1, old), (2, deleted)):
            assert await images.require_version(old.id, version, include_deleted=True) == expected
        with pytest.raises(ImageNotFound):
            await images.require_version(new_id(), 0, include_deleted=True)

    async def test_get_many_keeps_the_order_of_the_ids(self, bench: Bench) -> None:
        one, two = (bench.service.put(IMAGES, an_image()) for _ in range(2))
        assert await bench.storage.images.get_many([two.id, new_id(), one.id]) == [two, None, one]


class TestOverlayIds:
    async def test_a_map_gets_the_ids_of_its_overlays_in_drawing_order(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        top = bench.service.put(OVERLAYS, an_overlay(map_id=image.id, z_index=2))
        bottom = bench.service.put(OVERLAYS, an_overlay(map_id=image.id, z_index=1))
        presented = await bench.storage.images.with_overlay_ids(image)
        assert list(presented.overlays) == [bottom.id, top.id]

    async def test_the_cached_image_is_not_changed(self, bench: Bench) -> None:
        stored = bench.service.put(IMAGES, an_image())
        bench.service.put(OVERLAYS, an_overlay(map_id=stored.id))
        cached = await bench.storage.images.require(stored.id)
        before = clone(cached)
        presented = await bench.storage.images.with_overlay_ids(cached)
        assert presented.overlays
        assert cached == before
        assert await bench.storage.images.require(stored.id) is cached

    async def test_a_map_without_overlays_is_returned_as_it_is(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        assert await bench.storage.images.with_overlay_ids(image) is image

    async def test_the_overlays_of_other_images_are_not_retrieved(self, bench: Bench) -> None:
        portrait = an_image(type_=ImageType.IMAGE_TYPE_CHARACTER, subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT)
        bench.service.put(OVERLAYS, an_overlay(map_id=portrait.id))
        assert await bench.storage.images.with_overlay_ids(portrait) is portrait
        assert bench.service.requests == []


class TestListings:
    async def test_pages_are_newest_first_by_default(self, bench: Bench) -> None:
        images = [bench.service.put(IMAGES, an_image(theme="noir")) for _ in range(3)]
        bench.service.put(IMAGES, an_image())
        page, token = await bench.storage.images.list(with_theme("noir"), page_size=2)
        assert page == [images[2], images[1]]
        rest, end = await bench.storage.images.list(with_theme("noir"), page_size=2, page_token=token)
        assert (rest, end) == ([images[0]], "")
        oldest, _ = await bench.storage.images.list(
            with_theme("noir"), page_size=1, order=ListOrder.LIST_ORDER_OLDEST_FIRST
        )
        assert oldest == [images[0]]

    async def test_all_returns_every_record_oldest_first(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("image_grpc.storage.collection.MAX_PAGE_SIZE", 2)
        themes = [bench.service.put(THEMES, a_theme()) for _ in range(5)]
        assert await bench.storage.themes.all(ListFilter()) == themes
        assert len(bench.service.requests) == 3

    async def test_count_counts_the_whole_listing(self, bench: Bench) -> None:
        for _ in range(3):
            bench.service.put(IMAGES, an_image(theme="noir"))
        assert await bench.storage.images.count(with_theme("noir")) == 3
        assert await bench.storage.images.count(with_theme("horror")) == 0

    async def test_filters_use_the_index_values_of_the_contracts_enums(self, bench: Bench) -> None:
        request = ListImagesRequest(
            type=ImageType.IMAGE_TYPE_MAP,
            subtype=ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
            theme="fantasy",
            source_id="source",
            service="service",
        )
        assert picture_filter(request).index == IMAGES.encode(an_image(source_id="source", service="service")).index
        assert picture_filter(ListImagesRequest()) == ListFilter(index={})
        overlay = an_overlay()
        assert overlays_of_map(overlay.map_id).index == OVERLAYS.encode(overlay).index
        queued = GenerationState.GENERATION_STATE_QUEUED
        assert state_labels([queued]) == [GENERATIONS.encode(a_generation(state=queued)).index.state]


class TestBlobs:
    async def test_a_blob_is_put_and_read(self, bench: Bench) -> None:
        blobs, data = bench.storage.blobs, some_bytes(MEBIBYTE + 10)
        name = await blobs.put(data)
        assert name == name_of(data)
        assert await blobs.read(name, len(data)) == data
        assert await blobs.part(name, 1) == data[MEBIBYTE:]
        count = len(bench.service.requests)
        await blobs.read(name, len(data))
        assert len(bench.service.requests) == count
        assert await blobs.read_uncached(name, len(data)) == data
        assert len(bench.service.requests) == count + 2

    async def test_a_missing_blob_is_not_found(self, bench: Bench) -> None:
        for read in (bench.storage.blobs.read, bench.storage.blobs.read_uncached):
            with pytest.raises(RecordNotFound):
                await read(name_of(some_bytes()), 10)
