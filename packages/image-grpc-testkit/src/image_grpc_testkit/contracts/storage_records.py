"""Records: versions, reads by key, deletion, restoration and purge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder

from image_grpc.storage import ImageStorageClient, RecordNotFound
from image_grpc.storage.collection import Collection
from image_grpc_testkit.collections import delete_one, store_one, undelete_one
from image_grpc_testkit.contracts.records import (
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    new_id,
    some_bytes,
)
from image_grpc_testkit.contracts.storage_testkit import (
    IMMEDIATELY,
    NEWEST_FIRST,
    OLDEST_FIRST,
    StartStorage,
    Storage,
    a_stored_image,
    all_pages,
    matching,
    wait_until_purged,
)


class RecordsContract:
    """The suite."""

    @pytest.mark.parametrize(
        ("collection_of", "message"),
        [
            (lambda client: client.images, an_image()),
            (lambda client: client.overlays, an_overlay()),
            (lambda client: client.themes, a_theme()),
            (lambda client: client.generations, a_generation(prompt="a keep in the fog")),
            (lambda client: client.cache_entries, a_cache_entry()),
        ],
        ids=["image", "overlay", "theme", "generation", "cache entry"],
    )
    async def test_a_record_of_each_kind_is_stored_with_its_version_and_times(
        self, storage: Storage, collection_of: Callable[[ImageStorageClient], Collection[Any]], message: Any
    ) -> None:
        collection = collection_of(storage.client)
        put = collection.put(message)
        [first] = await storage.client.store([put])
        [second] = await storage.client.store([put])
        assert (first.key.version, second.key.version) == (1, 2)
        assert first.create_time == first.update_time == second.create_time
        assert second.update_time.ToMicroseconds() > second.create_time.ToMicroseconds()
        assert await storage.client.retrieve([put.record.key]) == [second]
        assert await collection.retrieve(put.record.key.id) == collection.decode(second)

    async def test_a_batch_may_put_several_kinds_and_the_same_record_twice(self, storage: Storage) -> None:
        client, image, other = storage.client, an_image(), await storage.store_image(an_image())
        puts = [
            client.images.put_if_absent(image),
            client.themes.put(a_theme()),
            client.images.put_at_version(other, 1),
            client.images.put_at_version(image, 1),
        ]
        stored = await client.store(puts)
        assert [record.key.version for record in stored] == [1, 1, 2, 2]
        keys = [record.key for record in stored]
        assert await client.retrieve([*reversed(keys), client.images.key(new_id()), keys[0]]) == [
            *reversed(stored),
            stored[0],
        ]

    async def test_a_missing_record_is_not_returned(self, storage: Storage) -> None:
        assert await storage.client.images.retrieve(new_id()) is None

    async def test_records_are_returned_in_the_order_of_their_keys_without_missing_ones(self, storage: Storage) -> None:
        images = [an_image() for _ in range(5)]
        await storage.client.store([storage.client.images.put(image) for image in images])
        keys = [storage.client.images.key(image.id) for image in reversed(images)]
        records = await storage.client.retrieve([keys[0], storage.client.images.key(new_id()), *keys[1:]])
        assert [record.key.id for record in records] == [key.id for key in keys]

    async def test_every_version_remains_readable(self, storage: Storage) -> None:
        image = an_image()
        for theme in ("fantasy", "western", "horror"):
            image.metadata.theme = theme
            image = await storage.store_image(image)
        for version, theme in enumerate(("fantasy", "western", "horror"), start=1):
            old = await storage.client.images.retrieve(image.id, version)
            assert old is not None
            assert (old.version, old.metadata.theme) == (version, theme)
            assert old.create_time == image.create_time
        assert await storage.client.images.retrieve(image.id, 4) is None

    @pytest.mark.parametrize(("order", "versions"), [(NEWEST_FIRST, [4, 3, 2, 1]), (OLDEST_FIRST, [1, 2, 3, 4])])
    async def test_the_versions_of_a_record_are_listed(
        self, storage: Storage, order: ListOrder, versions: list[int]
    ) -> None:
        image, other = an_image(), an_image()
        for _ in versions:
            await storage.store_image(image)
        await storage.store_image(other)
        filter_ = ListFilter(versions_of=image.id)
        pages = await all_pages(storage.client.images.list, filter_, page_size=3, order=order)
        assert [[each.version for each in page] for page in pages] == [versions[:3], versions[3:]]
        assert {each.id for page in pages for each in page} == {image.id}

    async def test_an_image_has_the_references_of_the_storage_service(self, storage: Storage) -> None:
        image = await a_stored_image(storage)
        assert image.storage_id
        assert image.storage_id != image.id
        assert await storage.objects(image.content.sha256) == [image.content.storage_path]
        changed = await storage.store_image(image)
        assert changed.storage_id == image.storage_id
        assert (await storage.store_image(an_image())).storage_id

    # Deletion

    async def test_a_deleted_record_is_hidden_until_it_is_restored(self, storage: Storage) -> None:
        images, source_id = storage.client.images, new_id()
        image = await storage.store_image(an_image(source_id=source_id))
        deleted = await delete_one(images, image.id)
        assert deleted.delete_time.ToMicroseconds() >= image.create_time.ToMicroseconds()
        assert deleted.purge_time.ToMicroseconds() > deleted.delete_time.ToMicroseconds()
        assert await images.retrieve(image.id) is None
        assert await images.retrieve(image.id, 1) is None
        assert await images.retrieve(image.id, include_deleted=True) == deleted
        filter_ = matching(source_id=source_id)
        assert await images.list(filter_, page_size=10) == ([], "")
        filter_.include_deleted = True
        assert await images.list(filter_, page_size=10) == ([deleted], "")
        assert await images.list(ListFilter(versions_of=image.id), page_size=10) == ([], "")
        assert await undelete_one(images, image.id) == image
        assert await images.retrieve(image.id) == image

    async def test_a_second_deletion_keeps_the_times_of_the_first(self, storage: Storage) -> None:
        image = await storage.store_image(an_image())
        assert await delete_one(storage.client.images, image.id) == await delete_one(storage.client.images, image.id)

    async def test_restoring_a_record_that_is_not_deleted_has_no_effect(self, storage: Storage) -> None:
        image = await storage.store_image(an_image())
        assert await undelete_one(storage.client.images, image.id) == image

    async def test_a_missing_record_can_be_neither_deleted_nor_restored(self, storage: Storage) -> None:
        with pytest.raises(RecordNotFound):
            await delete_one(storage.client.images, new_id())
        with pytest.raises(RecordNotFound):
            await undelete_one(storage.client.images, new_id())

    async def test_a_put_of_a_deleted_record_restores_it_as_a_new_version(self, storage: Storage) -> None:
        image = await storage.store_image(an_image())
        deleted = await delete_one(storage.client.images, image.id)
        restored = await storage.store_image(deleted)
        assert restored.version == 2
        assert not restored.HasField("delete_time")
        assert not restored.HasField("purge_time")
        assert await storage.client.images.retrieve(image.id) == restored

    async def test_a_deleted_record_is_purged_when_it_is_due(self, start_storage: StartStorage) -> None:
        storage = await start_storage(purge_after_seconds=IMMEDIATELY)
        image = await a_stored_image(storage)
        await storage.store_image(image)
        kept = await a_stored_image(storage)
        await delete_one(storage.client.images, image.id)
        await wait_until_purged(storage, image.id)
        with pytest.raises(RecordNotFound):
            await undelete_one(storage.client.images, image.id)
        with pytest.raises(RecordNotFound):
            await storage.client.blobs.read(image.content.sha256, 0, 1)
        assert await storage.objects(image.content.sha256) == []
        all_versions = ListFilter(versions_of=image.id, include_deleted=True)
        assert await storage.client.images.list(all_versions, page_size=10) == ([], "")
        assert await storage.client.images.retrieve(kept.id) == kept

    async def test_a_deleted_record_is_not_purged_before_it_is_due(self, storage: Storage) -> None:
        image = await a_stored_image(storage)
        await delete_one(storage.client.images, image.id)
        await storage.sweep()
        assert await undelete_one(storage.client.images, image.id) == image
        assert len(await storage.client.blobs.read(image.content.sha256, 0, 10)) == 10

    async def test_the_id_of_a_purged_record_may_be_reused(self, start_storage: StartStorage) -> None:
        storage = await start_storage(purge_after_seconds=IMMEDIATELY)
        images, data = storage.client.images, some_bytes()
        image = await a_stored_image(storage, data)
        await delete_one(images, image.id)
        await wait_until_purged(storage, image.id)
        await storage.client.blobs.put(data)
        assert (await store_one(images, images.put_if_absent(image))).version == 1
        assert await storage.client.blobs.read_all(image.content.sha256, len(data)) == data
