"""Blobs come in parts, are read in ranges, and live as long as a record names them."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.storage import BlobIncomplete, RecordMissing
from tests.contracts.patience import eventually
from tests.contracts.records import (
    MEBIBYTE,
    an_image,
    name_of,
    some_bytes,
)
from tests.contracts.storage_bench import (
    AT_ONCE,
    StartStorage,
    Storage,
    a_stored_image,
    gone_for_good,
    parts_of,
    send_parts,
)


class BlobsContract:
    """The suite."""

    @pytest.mark.parametrize("size", [1, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE + 17])
    async def test_a_blob_is_read_as_it_was_put(self, storage: Storage, size: int) -> None:
        data = some_bytes(size)
        image = await a_stored_image(storage, data)
        assert await storage.client.blobs.read_all(image.content.sha256, size) == data
        assert await storage.objects(image.content.sha256) == [image.content.storage_path]

    async def test_parts_may_come_in_any_order_and_twice(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE + 5)
        first, *rest = parts_of(data)
        assert await send_parts(storage, [*reversed(rest), first, *rest]) == [False] * 7
        await storage.client.images.store(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_parts_may_come_all_at_once(self, storage: Storage) -> None:
        data = some_bytes(4 * MEBIBYTE)
        await asyncio.gather(*(send_parts(storage, [part]) for part in parts_of(data) * 2))
        await storage.client.images.store(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_part_of_a_committed_blob_is_answered_with_the_blob_is_there(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await a_stored_image(storage, data)
        assert await send_parts(storage, parts_of(data)) == [True, True]
        assert len(await storage.objects(name_of(data))) == 1

    async def test_a_batch_that_names_an_incomplete_blob_has_no_effect(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE)
        image, other = an_image(of=data), an_image()
        first, _, last = parts_of(data)
        await send_parts(storage, [first, last])
        with pytest.raises(BlobIncomplete):
            await storage.client.store([storage.client.images.put(each) for each in (other, image)])
        assert await storage.client.images.retrieve(image.id) is None
        assert await storage.client.images.retrieve(other.id) is None
        with pytest.raises(RecordMissing):
            await storage.client.blobs.read(name_of(data), 0, 1)
        await storage.client.blobs.put(data)
        await storage.client.images.store(image)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_an_image_of_which_no_part_came_leaves_no_object_behind(self, storage: Storage) -> None:
        data = some_bytes()
        with pytest.raises(BlobIncomplete):
            await storage.client.images.store(an_image(of=data))
        assert await storage.objects(name_of(data)) == []

    async def test_wrong_bytes_are_refused_and_can_be_sent_again(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        image = an_image(of=data)
        good, bad = parts_of(data)
        bad.data = some_bytes(len(bad.data))
        await send_parts(storage, [good, bad])
        with pytest.raises(BlobIncomplete):
            await storage.client.images.store(image)
        assert await storage.objects(name_of(data)) == []
        await storage.client.blobs.put(data)
        await storage.client.images.store(image)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_wrong_size_is_refused_and_can_be_corrected(self, storage: Storage) -> None:
        data = some_bytes(MEBIBYTE + 10)
        shorter = parts_of(data)[0]
        shorter.byte_size = MEBIBYTE
        await send_parts(storage, [shorter])
        image = an_image(of=data)
        image.content.byte_size = MEBIBYTE
        with pytest.raises(BlobIncomplete):
            await storage.client.images.store(image)
        await a_stored_image(storage, data)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_an_image_that_is_wrong_about_the_size_of_a_stored_blob_is_refused(
        self, storage: Storage
    ) -> None:
        image = await a_stored_image(storage)
        wrong = an_image()
        wrong.content.CopyFrom(image.content)
        wrong.content.byte_size += 1
        with pytest.raises(BlobIncomplete):
            await storage.client.images.store(wrong)
        assert await storage.client.images.retrieve(wrong.id) is None

    @pytest.mark.parametrize(
        ("offset", "limit"),
        [
            (0, 1),
            (0, 2500),
            (100, 900),
            (2499, 1),
            (2400, 1000),
            (2500, 1),
            (9999, 1),
        ],
    )
    async def test_any_range_of_a_blob_can_be_read(self, storage: Storage, offset: int, limit: int) -> None:
        data = some_bytes(2500)
        await a_stored_image(storage, data)
        assert await storage.client.blobs.read(name_of(data), offset, limit) == data[offset : offset + limit]

    async def test_a_range_may_cross_the_borders_of_parts(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE)
        await a_stored_image(storage, data)
        read = await storage.client.blobs.read(name_of(data), MEBIBYTE - 5, MEBIBYTE)
        assert read == data[MEBIBYTE - 5 : 2 * MEBIBYTE - 5]

    async def test_a_blob_that_no_record_names_cannot_be_read(self, storage: Storage) -> None:
        data = some_bytes()
        await storage.client.blobs.put(data)
        with pytest.raises(RecordMissing):
            await storage.client.blobs.read(name_of(data), 0, 1)

    async def test_a_blob_outlives_all_images_but_the_last_that_names_it(
        self, start_storage: StartStorage
    ) -> None:
        storage = await start_storage(purge_after_seconds=AT_ONCE)
        data = some_bytes()
        one, other = await a_stored_image(storage, data), await a_stored_image(storage, data)
        await storage.client.images.delete(one.id)
        await gone_for_good(storage, one.id)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data
        await storage.client.images.delete(other.id)
        await gone_for_good(storage, other.id)
        with pytest.raises(RecordMissing):
            await storage.client.blobs.read(name_of(data), 0, 1)
        assert await storage.objects(name_of(data)) == []

    async def test_the_blobs_of_old_versions_stay(self, storage: Storage) -> None:
        before, after = some_bytes(), some_bytes()
        image = await a_stored_image(storage, before)
        await storage.client.blobs.put(after)
        image.content.CopyFrom(an_image(of=after).content)
        await storage.client.images.store(image)
        await storage.service.sweep()
        for data in (before, after):
            assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_parts_that_nobody_commits_expire_and_leave_nothing_behind(
        self, start_storage: StartStorage
    ) -> None:
        storage = await start_storage()
        data = some_bytes(2 * MEBIBYTE)
        await send_parts(storage, parts_of(data)[:1])
        assert await storage.objects(name_of(data)) != []
        hasty = await start_storage(blob_part_expiry_seconds=AT_ONCE)

        async def removed() -> bool:
            await hasty.service.sweep()
            return not await storage.objects(name_of(data))

        await eventually(removed, "the part is removed")
        await hasty.service.stop()
        await a_stored_image(storage, data)
        await storage.service.sweep()
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_parts_do_not_expire_while_they_are_fresh(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await send_parts(storage, parts_of(data))
        await storage.service.sweep()
        await storage.client.images.store(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_two_batches_may_name_the_same_new_blob_at_once(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await storage.client.blobs.put(data)
        images = [an_image(of=data) for _ in range(5)]
        await asyncio.gather(*map(storage.client.images.store, images))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data
