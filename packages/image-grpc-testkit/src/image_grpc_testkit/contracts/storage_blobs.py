"""Blobs: put in parts, read in ranges, and kept as long as a record refers to them."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.storage.v1.storage_pb2 import Batch, StoreRequest

from image_grpc.hub import topology
from image_grpc.storage import BlobIncomplete, RecordNotFound
from image_grpc_testkit.collections import delete_one
from image_grpc_testkit.contracts.records import MEBIBYTE, an_image, name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import (
    IMMEDIATELY,
    StartStorage,
    Storage,
    a_stored_image,
    parts_of,
    send_parts,
    wait_until_purged,
)
from image_grpc_testkit.eventually import eventually


class BlobsContract:
    """The suite."""

    @pytest.mark.parametrize("size", [1, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE + 17])
    async def test_a_blob_is_returned_as_put(self, storage: Storage, size: int) -> None:
        data = some_bytes(size)
        image = await a_stored_image(storage, data)
        assert await storage.client.blobs.read_all(image.content.sha256, size) == data
        assert await storage.objects(image.content.sha256) == [image.content.storage_path]

    async def test_parts_may_be_put_in_any_order_and_repeatedly(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE + 5)
        first, *rest = parts_of(data)
        assert await send_parts(storage, [*reversed(rest), first, *rest]) == [False] * 7
        await storage.store_image(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_parts_may_be_put_concurrently(self, storage: Storage) -> None:
        data = some_bytes(4 * MEBIBYTE)
        await asyncio.gather(*(send_parts(storage, [part]) for part in parts_of(data) * 2))
        await storage.store_image(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_blobs_may_be_put_concurrently(self, storage: Storage) -> None:
        committed, *others = (some_bytes(100 + number) for number in range(20))
        await a_stored_image(storage, committed)
        blobs = [*others, committed, *others]
        replies = await asyncio.gather(*(send_parts(storage, parts_of(data)) for data in blobs))
        assert replies == [[data is committed] for data in blobs]
        await asyncio.gather(*(storage.store_image(an_image(of=data)) for data in others))
        for data in others:
            assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_part_of_a_committed_blob_is_reported_as_committed(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await a_stored_image(storage, data)
        assert await send_parts(storage, parts_of(data)) == [True, True]
        assert len(await storage.objects(name_of(data))) == 1

    async def test_a_batch_with_an_incomplete_blob_has_no_effect(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE)
        image, other = an_image(of=data), an_image()
        first, _, last = parts_of(data)
        await send_parts(storage, [first, last])
        with pytest.raises(BlobIncomplete):
            await storage.client.store([storage.client.images.put(each) for each in (other, image)])
        assert await storage.client.images.retrieve(image.id) is None
        assert await storage.client.images.retrieve(other.id) is None
        with pytest.raises(RecordNotFound):
            await storage.client.blobs.read(name_of(data), 0, 1)
        await storage.client.blobs.put(data)
        await storage.store_image(image)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_record_of_a_blob_without_parts_leaves_no_object_behind(self, storage: Storage) -> None:
        data = some_bytes()
        with pytest.raises(BlobIncomplete):
            await storage.store_image(an_image(of=data))
        assert await storage.objects(name_of(data)) == []

    async def test_damaged_parts_are_refused_and_can_be_put_again(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        image = an_image(of=data)
        intact, damaged = parts_of(data)
        damaged.data = some_bytes(len(damaged.data))
        await send_parts(storage, [intact, damaged])
        with pytest.raises(BlobIncomplete):
            await storage.store_image(image)
        assert await storage.objects(name_of(data)) == []
        await storage.client.blobs.put(data)
        await storage.store_image(image)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_wrong_size_is_refused_and_can_be_corrected(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE + 10)
        parts = parts_of(data)[:2]
        for part in parts:
            part.byte_size = 2 * MEBIBYTE
        await send_parts(storage, parts)
        image = an_image(of=data)
        image.content.byte_size = 2 * MEBIBYTE
        with pytest.raises(BlobIncomplete):
            await storage.store_image(image)
        await a_stored_image(storage, data)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_a_record_with_the_wrong_size_of_a_stored_blob_is_refused(self, storage: Storage) -> None:
        image = await a_stored_image(storage)
        wrong = an_image()
        wrong.content.CopyFrom(image.content)
        wrong.content.byte_size += 1
        with pytest.raises(BlobIncomplete):
            await storage.store_image(wrong)
        assert await storage.client.images.retrieve(wrong.id) is None

    @pytest.mark.parametrize(
        ("offset", "limit"), [(0, 1), (0, 2500), (100, 900), (2499, 1), (2400, 1000), (2500, 1), (9999, 1)]
    )
    async def test_any_range_of_a_blob_is_readable(self, storage: Storage, offset: int, limit: int) -> None:
        data = some_bytes(2500)
        await a_stored_image(storage, data)
        assert await storage.client.blobs.read(name_of(data), offset, limit) == data[offset : offset + limit]

    async def test_a_range_may_span_parts(self, storage: Storage) -> None:
        data = some_bytes(3 * MEBIBYTE)
        await a_stored_image(storage, data)
        read = await storage.client.blobs.read(name_of(data), MEBIBYTE - 5, MEBIBYTE)
        assert read == data[MEBIBYTE - 5 : 2 * MEBIBYTE - 5]

    @pytest.mark.parametrize("size", [100, MEBIBYTE, 2 * MEBIBYTE + 1])
    async def test_a_batch_may_contain_the_last_part_of_its_blob(self, storage: Storage, size: int) -> None:
        data, id_ = some_bytes(size), new_id()
        part = await storage.client.blobs.put_except_last_part(data)
        put = storage.client.images.put(an_image(of=data))
        for _ in range(2):  # also if it is repeated
            [stored] = await storage.client.store([put], blob_parts=[part], storage_correlation_id=id_)
            assert stored.key.version == 1
        assert await storage.client.blobs.read_all(name_of(data), size) == data
        assert await storage.objects(name_of(data)) == [stored.blob.path]

    async def test_a_batch_with_an_invalid_part_has_no_effect(self, storage: Storage) -> None:
        data = some_bytes()
        image = an_image(of=data)
        parts = [*parts_of(some_bytes()), *parts_of(data)]
        parts[1].data = some_bytes()
        batch = Batch(puts=[storage.client.images.put(image)], blob_parts=parts)
        error = await storage.request_error(topology.STORE, StoreRequest(storage_correlation_id=new_id(), batch=batch))
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "batch.blob_parts[1].data")
        assert await storage.client.images.retrieve(image.id) is None

    async def test_an_unreferenced_blob_is_not_readable(self, storage: Storage) -> None:
        data = some_bytes()
        await storage.client.blobs.put(data)
        with pytest.raises(RecordNotFound):
            await storage.client.blobs.read(name_of(data), 0, 1)

    async def test_a_blob_is_kept_until_its_last_record_is_purged(self, start_storage: StartStorage) -> None:
        storage = await start_storage(purge_after_seconds=IMMEDIATELY)
        data = some_bytes()
        one, other = await a_stored_image(storage, data), await a_stored_image(storage, data)
        await delete_one(storage.client.images, one.id)
        await wait_until_purged(storage, one.id)
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data
        await delete_one(storage.client.images, other.id)
        await wait_until_purged(storage, other.id)
        with pytest.raises(RecordNotFound):
            await storage.client.blobs.read(name_of(data), 0, 1)
        assert await storage.objects(name_of(data)) == []

    async def test_blobs_of_old_versions_are_kept(self, storage: Storage) -> None:
        old, new = some_bytes(), some_bytes()
        image = await a_stored_image(storage, old)
        await storage.client.blobs.put(new)
        image.content.CopyFrom(an_image(of=new).content)
        await storage.store_image(image)
        await storage.sweep()
        for data in (old, new):
            assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_abandoned_parts_expire_and_leave_nothing_behind(self, start_storage: StartStorage) -> None:
        storage = await start_storage()
        data = some_bytes(2 * MEBIBYTE)
        await send_parts(storage, parts_of(data)[:1])
        assert await storage.objects(name_of(data)) != []
        expiring = await start_storage(blob_part_expiry_seconds=IMMEDIATELY)

        async def removed() -> bool:
            await expiring.sweep()
            return not await storage.objects(name_of(data))

        await eventually(removed, "the part is removed")
        await expiring.stop()
        await a_stored_image(storage, data)
        await storage.sweep()
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_recent_parts_do_not_expire(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await send_parts(storage, parts_of(data))
        await storage.sweep()
        await storage.store_image(an_image(of=data))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data

    async def test_concurrent_batches_may_refer_to_the_same_new_blob(self, storage: Storage) -> None:
        data = some_bytes(2 * MEBIBYTE)
        await storage.client.blobs.put(data)
        images = [an_image(of=data) for _ in range(5)]
        await asyncio.gather(*map(storage.store_image, images))
        assert await storage.client.blobs.read_all(name_of(data), len(data)) == data
