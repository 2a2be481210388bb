"""Records: versions, preconditions, repeated requests, deletion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tabletop.storage.v1.storage_pb2 import (
    ListFilter,
    ListOrder,
)

from image_grpc import records
from image_grpc.errors import RequestIdReused, VersionConflict
from image_grpc.storage import BlobIncomplete, RecordMissing
from tests.contracts.records import (
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    new_id,
    some_bytes,
)
from tests.contracts.storage_bench import (
    AT_ONCE,
    NEWEST_FIRST,
    OLDEST_FIRST,
    StartStorage,
    Storage,
    a_stored_image,
    gone_for_good,
    pages,
)


class RecordsContract:
    """The suite."""

    # Records and their versions

    @pytest.mark.parametrize(
        ("collection", "record"),
        [
            ("images", an_image()),
            ("overlays", an_overlay()),
            ("themes", a_theme()),
            ("generations", a_generation(prompt="a keep in the fog")),
            ("cache_entries", a_cache_entry()),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_a_record_of_each_kind_is_kept_with_its_version_and_times(
        self, storage: Storage, collection: str, record: Any
    ) -> None:
        kept = getattr(storage.client, collection)
        stored = await kept.store(record)
        again = await kept.store(record)
        key = {"themes": "name", "cache_entries": "fingerprint"}.get(collection, "id")
        body = stored.generation if collection == "generations" else stored
        newer = again.generation if collection == "generations" else again
        assert (body.version, newer.version) == (1, 2)
        assert body.create_time == body.update_time == newer.create_time
        assert newer.update_time.ToMicroseconds() > newer.create_time.ToMicroseconds()
        assert await kept.retrieve(getattr(newer, key)) == again

    async def test_a_batch_may_put_records_of_several_kinds_and_one_of_them_twice(self, storage: Storage) -> None:
        client, image, other = storage.client, an_image(), await storage.client.images.store(an_image())
        puts = [
            client.images.put(image, absent=True),
            client.themes.put(a_theme()),
            client.images.put(other, at_version=1),
            client.images.put(image, at_version=1),
        ]
        stored = await client.store(puts)
        assert [records.key(each).version for each in stored] == [1, 1, 2, 2]
        keys = [records.key(each) for each in stored]
        assert await client.retrieve([*reversed(keys), client.images.key(new_id()), keys[0]]) == [
            *reversed(stored),
            stored[0],
        ]

    async def test_what_was_not_stored_is_not_found(self, storage: Storage) -> None:
        assert await storage.client.images.retrieve(new_id()) is None

    async def test_many_records_are_read_in_the_order_of_their_keys_without_those_that_are_missing(
        self, storage: Storage
    ) -> None:
        images = [an_image() for _ in range(5)]
        await storage.client.store([storage.client.images.put(image) for image in images])
        keys = [storage.client.images.key(image.id) for image in reversed(images)]
        found = await storage.client.retrieve([keys[0], storage.client.images.key(new_id()), *keys[1:]])
        assert [record.image.id for record in found] == [key.id for key in keys]

    async def test_every_version_stays_readable(self, storage: Storage) -> None:
        image = an_image()
        for theme in ("fantasy", "western", "horror"):
            image.metadata.theme = theme
            image = await storage.client.images.store(image)
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
            await storage.client.images.store(image)
        await storage.client.images.store(other)
        found = await pages(storage.client.images.list, ListFilter(versions_of=image.id), page_size=3, order=order)
        assert [[each.version for each in page] for page in found] == [versions[:3], versions[3:]]
        assert {each.id for page in found for each in page} == {image.id}

    async def test_an_image_tells_where_it_is_stored(self, storage: Storage) -> None:
        image = await a_stored_image(storage)
        assert image.storage_id
        assert image.storage_id != image.id
        assert await storage.objects(image.content.sha256) == [image.content.storage_path]
        changed = await storage.client.images.store(image)
        assert changed.storage_id == image.storage_id
        assert (await storage.client.images.store(an_image())).storage_id

    # Preconditions

    async def test_a_record_that_must_be_absent_is_stored_once(self, storage: Storage) -> None:
        image = an_image()
        await storage.client.images.store(image, absent=True)
        with pytest.raises(VersionConflict):
            await storage.client.images.store(image, absent=True)
        await storage.client.images.delete(image.id)
        with pytest.raises(VersionConflict):
            await storage.client.images.store(image, absent=True)

    async def test_a_record_that_must_be_at_a_version_is_stored_from_that_version_only(
        self, storage: Storage
    ) -> None:
        image = an_image()
        with pytest.raises(VersionConflict):
            await storage.client.images.store(image, at_version=1)
        await storage.client.images.store(image)
        assert (await storage.client.images.store(image, at_version=1)).version == 2
        for stale_or_future in (1, 3):
            with pytest.raises(VersionConflict):
                await storage.client.images.store(image, at_version=stale_or_future)
        await storage.client.images.delete(image.id)
        with pytest.raises(VersionConflict):
            await storage.client.images.store(image, at_version=2)

    async def test_of_many_who_change_the_same_version_one_wins(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image())
        answers = await asyncio.gather(
            *(storage.client.images.store(image, at_version=1) for _ in range(20)), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Image"] + ["VersionConflict"] * 19
        newest = await storage.client.images.retrieve(image.id)
        assert newest is not None
        assert newest.version == 2

    async def test_a_batch_changes_all_or_nothing(self, storage: Storage) -> None:
        client = storage.client
        taken = await client.images.store(an_image())
        image, overlay, entry = an_image(), an_overlay(), a_cache_entry()
        puts = [client.images.put(image), client.overlays.put(overlay), client.cache_entries.put(entry)]
        with pytest.raises(VersionConflict):
            await client.store([*puts, client.images.put(taken, absent=True)])
        assert await client.images.retrieve(image.id) is None
        assert await client.overlays.retrieve(overlay.id) is None
        assert await client.cache_entries.retrieve(entry.fingerprint) is None
        stored = await client.store(puts)
        assert [record.WhichOneof("body") for record in stored] == ["image", "overlay", "cache_entry"]
        assert await client.overlays.retrieve(overlay.id) == stored[1].overlay

    async def test_a_deletion_of_many_deletes_all_or_nothing(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image())
        there, missing = storage.client.images.key(image.id), storage.client.images.key(new_id())
        with pytest.raises(RecordMissing):
            await storage.client.delete([there, missing])
        with pytest.raises(VersionConflict):
            await storage.client.delete([there, storage.client.images.key(image.id, version=7)])
        assert await storage.client.images.retrieve(image.id) == image

    # Repeated requests

    async def test_the_same_request_again_has_the_same_answer_and_no_second_effect(self, storage: Storage) -> None:
        id_, put = new_id(), storage.client.images.put(an_image())
        first = await storage.client.store([put], storage_correlation_id=id_)
        assert await storage.client.store([put], storage_correlation_id=id_) == first
        newest = await storage.client.images.retrieve(first[0].image.id)
        assert newest is not None
        assert newest.version == 1

    async def test_the_same_request_many_times_at_once_has_one_effect(self, storage: Storage) -> None:
        id_, put = new_id(), storage.client.images.put(an_image(), absent=True)
        answers = await asyncio.gather(
            *(storage.client.store([put], storage_correlation_id=id_) for _ in range(10))
        )
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0].image.version == 1

    async def test_a_used_storage_correlation_id_with_other_content_is_refused(self, storage: Storage) -> None:
        id_, other = new_id(), an_image()
        image = (await storage.client.store([storage.client.images.put(an_image())], storage_correlation_id=id_))[
            0
        ]
        with pytest.raises(RequestIdReused):
            await storage.client.store([storage.client.images.put(other)], storage_correlation_id=id_)
        with pytest.raises(RequestIdReused):
            await storage.client.images.delete(image.image.id, storage_correlation_id=id_)
        assert await storage.client.images.retrieve(other.id) is None
        assert await storage.client.images.retrieve(image.image.id) == image.image

    async def test_a_request_that_was_refused_may_be_sent_again(self, storage: Storage) -> None:
        id_, data = new_id(), some_bytes()
        put = storage.client.images.put(an_image(of=data))
        with pytest.raises(BlobIncomplete):
            await storage.client.store([put], storage_correlation_id=id_)
        await storage.client.blobs.put(data)
        [stored] = await storage.client.store([put], storage_correlation_id=id_)
        assert stored.image.version == 1

    async def test_the_same_deletion_again_has_the_same_answer(self, storage: Storage) -> None:
        id_, image = new_id(), await storage.client.images.store(an_image())
        first = await storage.client.images.delete(image.id, storage_correlation_id=id_)
        await storage.client.images.undelete(image.id)
        assert await storage.client.images.delete(image.id, storage_correlation_id=id_) == first
        assert await storage.client.images.retrieve(image.id) == image

    # Deletion

    async def test_a_deleted_record_is_hidden_until_it_is_restored(self, storage: Storage) -> None:
        source_id = new_id()
        image = await storage.client.images.store(an_image(source_id=source_id))
        deleted = await storage.client.images.delete(image.id)
        assert deleted.delete_time.ToMicroseconds() >= image.create_time.ToMicroseconds()
        assert deleted.purge_time.ToMicroseconds() > deleted.delete_time.ToMicroseconds()
        assert await storage.client.images.retrieve(image.id) is None
        assert await storage.client.images.retrieve(image.id, 1) is None
        assert await storage.client.images.retrieve(image.id, include_deleted=True) == deleted
        assert await storage.client.images.list(ListFilter(source_id=source_id), page_size=10) == ([], "")
        everything = ListFilter(source_id=source_id, include_deleted=True)
        assert await storage.client.images.list(everything, page_size=10) == ([deleted], "")
        assert await storage.client.images.list(ListFilter(versions_of=image.id), page_size=10) == ([], "")
        assert await storage.client.images.undelete(image.id) == image
        assert await storage.client.images.retrieve(image.id) == image

    async def test_a_record_deleted_twice_keeps_its_first_times(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image())
        assert await storage.client.images.delete(image.id) == await storage.client.images.delete(image.id)

    async def test_a_record_that_is_not_deleted_may_be_restored_without_effect(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image())
        assert await storage.client.images.undelete(image.id) == image

    async def test_what_is_not_there_can_be_neither_deleted_nor_restored(self, storage: Storage) -> None:
        with pytest.raises(RecordMissing):
            await storage.client.images.delete(new_id())
        with pytest.raises(RecordMissing):
            await storage.client.images.undelete(new_id())

    async def test_a_deletion_of_a_version_that_is_not_the_newest_is_refused(self, storage: Storage) -> None:
        image = an_image()
        for _ in range(2):
            await storage.client.images.store(image)
        with pytest.raises(VersionConflict):
            await storage.client.images.delete(image.id, version=1)
        assert (await storage.client.images.delete(image.id, version=2)).HasField("delete_time")

    async def test_storing_a_deleted_record_brings_it_back_as_a_new_version(self, storage: Storage) -> None:
        image = await storage.client.images.store(an_image())
        deleted = await storage.client.images.delete(image.id)
        back = await storage.client.images.store(deleted)
        assert back.version == 2
        assert not back.HasField("delete_time")
        assert not back.HasField("purge_time")
        assert await storage.client.images.retrieve(image.id) == back

    async def test_a_deleted_record_is_purged_when_its_time_is_over(self, start_storage: StartStorage) -> None:
        storage = await start_storage(purge_after_seconds=AT_ONCE)
        image = await a_stored_image(storage)
        await storage.client.images.store(image)
        kept = await a_stored_image(storage)
        await storage.client.images.delete(image.id)
        await gone_for_good(storage, image.id)
        with pytest.raises(RecordMissing):
            await storage.client.images.undelete(image.id)
        with pytest.raises(RecordMissing):
            await storage.client.blobs.read(image.content.sha256, 0, 1)
        assert await storage.objects(image.content.sha256) == []
        everything = ListFilter(versions_of=image.id, include_deleted=True)
        assert await storage.client.images.list(everything, page_size=10) == ([], "")
        assert await storage.client.images.retrieve(kept.id) == kept

    async def test_a_purge_does_not_come_too_early(self, storage: Storage) -> None:
        image = await a_stored_image(storage)
        await storage.client.images.delete(image.id)
        await storage.service.sweep()
        assert await storage.client.images.undelete(image.id) == image
        assert len(await storage.client.blobs.read(image.content.sha256, 0, 10)) == 10

    async def test_a_purged_id_may_be_used_anew(self, start_storage: StartStorage) -> None:
        storage = await start_storage(purge_after_seconds=AT_ONCE)
        data = some_bytes()
        image = await a_stored_image(storage, data)
        await storage.client.images.delete(image.id)
        await gone_for_good(storage, image.id)
        await storage.client.blobs.put(data)
        assert (await storage.client.images.store(image, absent=True)).version == 1
        assert await storage.client.blobs.read_all(image.content.sha256, len(data)) == data
