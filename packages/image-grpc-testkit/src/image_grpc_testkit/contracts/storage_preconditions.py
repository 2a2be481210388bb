"""Preconditions, atomic batches, and repeated requests."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc.errors import RequestIdReused, VersionConflict
from image_grpc.storage import BlobIncomplete, RecordNotFound
from image_grpc_testkit.collections import delete_one, store_one, undelete_one
from image_grpc_testkit.contracts.records import a_cache_entry, an_image, an_overlay, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import Storage


class PreconditionsContract:
    """The suite."""

    async def test_a_record_that_must_be_absent_is_stored_once(self, storage: Storage) -> None:
        images, image = storage.client.images, an_image()
        await store_one(images, images.put_if_absent(image))
        with pytest.raises(VersionConflict):
            await store_one(images, images.put_if_absent(image))
        await delete_one(images, image.id)
        with pytest.raises(VersionConflict):
            await store_one(images, images.put_if_absent(image))

    async def test_a_put_at_a_version_requires_that_version(self, storage: Storage) -> None:
        images, image = storage.client.images, an_image()
        with pytest.raises(VersionConflict):
            await store_one(images, images.put_at_version(image, 1))
        await storage.store_image(image)
        assert (await store_one(images, images.put_at_version(image, 1))).version == 2
        for stale_or_future in (1, 3):
            with pytest.raises(VersionConflict):
                await store_one(images, images.put_at_version(image, stale_or_future))
        await delete_one(images, image.id)
        with pytest.raises(VersionConflict):
            await store_one(images, images.put_at_version(image, 2))

    async def test_of_concurrent_puts_at_the_same_version_one_succeeds(self, storage: Storage) -> None:
        images, image = storage.client.images, await storage.store_image(an_image())
        results = await asyncio.gather(
            *(store_one(images, images.put_at_version(image, 1)) for _ in range(20)), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["Image"] + ["VersionConflict"] * 19
        latest = await images.retrieve(image.id)
        assert latest is not None
        assert latest.version == 2

    async def test_a_batch_is_atomic(self, storage: Storage) -> None:
        client = storage.client
        existing = await storage.store_image(an_image())
        image, overlay, entry = an_image(), an_overlay(), a_cache_entry()
        puts = [client.images.put(image), client.overlays.put(overlay), client.cache_entries.put(entry)]
        with pytest.raises(VersionConflict):
            await client.store([*puts, client.images.put_if_absent(existing)])
        assert await client.images.retrieve(image.id) is None
        assert await client.overlays.retrieve(overlay.id) is None
        assert await client.cache_entries.retrieve(entry.fingerprint) is None
        stored = await client.store(puts)
        assert [record.key.kind for record in stored] == [
            RecordKind.RECORD_KIND_IMAGE,
            RecordKind.RECORD_KIND_OVERLAY,
            RecordKind.RECORD_KIND_CACHE_ENTRY,
        ]
        assert await client.overlays.retrieve(overlay.id) == client.overlays.decode(stored[1])

    async def test_a_deletion_of_several_records_is_atomic(self, storage: Storage) -> None:
        image = await storage.store_image(an_image())
        existing, missing = storage.client.images.key(image.id), storage.client.images.key(new_id())
        with pytest.raises(RecordNotFound):
            await storage.client.delete([existing, missing])
        with pytest.raises(VersionConflict):
            await storage.client.delete([existing, storage.client.images.key(image.id, version=7)])
        assert await storage.client.images.retrieve(image.id) == image

    async def test_a_deletion_at_a_version_requires_the_latest_version(self, storage: Storage) -> None:
        image = an_image()
        for _ in range(2):
            await storage.store_image(image)
        with pytest.raises(VersionConflict):
            await delete_one(storage.client.images, image.id, version=1)
        assert (await delete_one(storage.client.images, image.id, version=2)).HasField("delete_time")

    # Repeated requests

    async def test_a_repeated_request_returns_the_first_result_without_another_effect(self, storage: Storage) -> None:
        id_, image = new_id(), an_image()
        put = storage.client.images.put(image)
        first = await storage.client.store([put], storage_correlation_id=id_)
        assert await storage.client.store([put], storage_correlation_id=id_) == first
        latest = await storage.client.images.retrieve(image.id)
        assert latest is not None
        assert latest.version == 1

    async def test_concurrent_repetitions_of_a_request_have_one_effect(self, storage: Storage) -> None:
        id_, put = new_id(), storage.client.images.put_if_absent(an_image())
        results = await asyncio.gather(*(storage.client.store([put], storage_correlation_id=id_) for _ in range(10)))
        assert all(result == results[0] for result in results)
        assert results[0][0].key.version == 1

    async def test_a_reused_storage_correlation_id_with_other_content_is_refused(self, storage: Storage) -> None:
        id_, other, images = new_id(), an_image(), storage.client.images
        [stored] = await storage.client.store([images.put(an_image())], storage_correlation_id=id_)
        with pytest.raises(RequestIdReused):
            await storage.client.store([images.put(other)], storage_correlation_id=id_)
        with pytest.raises(RequestIdReused):
            await delete_one(images, stored.key.id, storage_correlation_id=id_)
        assert await images.retrieve(other.id) is None
        assert await images.retrieve(stored.key.id) == images.decode(stored)

    async def test_the_content_digest_identifies_the_content_of_a_request(self, storage: Storage) -> None:
        id_, images = new_id(), storage.client.images
        first = await storage.client.store([images.put(an_image())], storage_correlation_id=id_, content_digest="same")
        other = [images.put(an_image())]
        same = await storage.client.store(other, storage_correlation_id=id_, content_digest="same")
        assert same == first
        with pytest.raises(RequestIdReused):
            await storage.client.store(other, storage_correlation_id=id_, content_digest="other")

    async def test_a_failed_request_may_be_repeated(self, storage: Storage) -> None:
        id_, data = new_id(), some_bytes()
        put = storage.client.images.put(an_image(of=data))
        with pytest.raises(BlobIncomplete):
            await storage.client.store([put], storage_correlation_id=id_)
        await storage.client.blobs.put(data)
        [stored] = await storage.client.store([put], storage_correlation_id=id_)
        assert stored.key.version == 1

    async def test_a_repeated_deletion_returns_the_first_result(self, storage: Storage) -> None:
        id_, image = new_id(), await storage.store_image(an_image())
        first = await delete_one(storage.client.images, image.id, storage_correlation_id=id_)
        await undelete_one(storage.client.images, image.id)
        assert await delete_one(storage.client.images, image.id, storage_correlation_id=id_) == first
        assert await storage.client.images.retrieve(image.id) == image
