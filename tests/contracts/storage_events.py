"""What a commit tells: the messages of its batch, and what it changed."""

from __future__ import annotations

import pytest
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import (
    StorageChanged,
)

from image_grpc.errors import VersionConflict
from image_grpc.hub import Delivery, topology
from image_grpc.hub import envelope as envelopes
from tests.contracts.patience import eventually
from tests.contracts.records import (
    a_generation,
    an_image,
    an_overlay,
    new_id,
)
from tests.contracts.storage_bench import (
    Storage,
    a_message,
    hearing,
    names_in,
)


class StorageEventsContract:
    """The suite."""

    async def test_the_messages_of_a_batch_are_published_once_it_is_committed(self, storage: Storage) -> None:
        key, image = f"test.{new_id()}", an_image()
        async with hearing(storage, key) as heard:
            messages = [a_message(key, str(number)) for number in range(3)]
            await storage.client.store([storage.client.images.put(image)], messages=messages)
            await eventually(lambda: len(heard) == 3, "the messages are published")
            assert await storage.client.images.retrieve(image.id) is not None
        assert [each.envelope for each in heard] == [message.envelope for message in messages]

    async def test_the_messages_of_a_batch_that_fails_are_never_published(self, storage: Storage) -> None:
        key, image = f"test.{new_id()}", an_image()
        put = storage.client.images.put(image, absent=True)
        async with hearing(storage, key) as heard:
            await storage.client.store([put], messages=[a_message(key, "first")])
            with pytest.raises(VersionConflict):
                await storage.client.store([put], messages=[a_message(key, "failed")])
            await storage.client.images.delete(image.id)
            await storage.client.store(
                undeletes=[storage.client.images.key(image.id)], messages=[a_message(key, "last")]
            )
            await eventually(lambda: "last" in names_in(heard), "the last message is published")
        assert names_in(heard) == ["first", "last"]

    async def test_a_repeated_request_does_not_publish_its_messages_again(self, storage: Storage) -> None:
        key, id_, put = f"test.{new_id()}", new_id(), storage.client.images.put(an_image())
        message = a_message(key, "it")
        async with hearing(storage, key) as heard:
            for _ in range(3):
                await storage.client.store([put], messages=[message], storage_correlation_id=id_)
            await storage.client.store([put], messages=[a_message(key, "last")])
            await eventually(lambda: "last" in names_in(heard), "the last message is published")
        assert names_in(heard) == ["it", "last"]

    async def test_the_messages_of_a_deletion_are_published(self, storage: Storage) -> None:
        key, image = f"test.{new_id()}", await storage.client.images.store(an_image())
        async with hearing(storage, key) as heard:
            await storage.client.delete([storage.client.images.key(image.id)], messages=[a_message(key, "it")])
            await eventually(lambda: names_in(heard) == ["it"], "the message is published")

    async def test_every_commit_tells_what_it_changed(self, storage: Storage) -> None:
        client, id_ = storage.client, new_id()
        image, overlay = an_image(), an_overlay()
        await client.images.store(image)
        async with hearing(storage, topology.STORAGE_CHANGED) as heard:
            stored = await client.store(
                [client.images.put(image), client.overlays.put(overlay)], storage_correlation_id=id_
            )
            change = await self._change(heard, id_)
        assert [(each.key.kind, each.key.id, each.key.version) for each in change.changes] == [
            (RecordKind.RECORD_KIND_IMAGE, image.id, 2),
            (RecordKind.RECORD_KIND_OVERLAY, overlay.id, 1),
        ]
        assert [each.record for each in change.changes] == stored

    async def test_deletion_and_restoration_are_told_too(self, storage: Storage) -> None:
        image, deletion, restoration = await storage.client.images.store(an_image()), new_id(), new_id()
        async with hearing(storage, topology.STORAGE_CHANGED) as heard:
            await storage.client.images.delete(image.id, storage_correlation_id=deletion)
            await storage.client.images.undelete(image.id, storage_correlation_id=restoration)
            [deleted] = (await self._change(heard, deletion)).changes
            [restored] = (await self._change(heard, restoration)).changes
        assert deleted.key == restored.key == storage.client.images.key(image.id, 1)
        assert deleted.record.HasField("delete_time")
        assert not restored.record.HasField("delete_time")

    async def test_a_large_record_is_told_of_without_its_content(self, storage: Storage) -> None:
        id_, record = new_id(), a_generation(prompt="x" * 20_000)
        async with hearing(storage, topology.STORAGE_CHANGED) as heard:
            await storage.client.store([storage.client.generations.put(record)], storage_correlation_id=id_)
            [change] = (await self._change(heard, id_)).changes
        assert change.key == storage.client.generations.key(record.generation.id, 1)
        assert not change.HasField("record")

    async def test_nothing_is_told_of_a_batch_that_fails(self, storage: Storage) -> None:
        failed, last = new_id(), new_id()
        put = storage.client.images.put(an_image(), at_version=1)
        async with hearing(storage, topology.STORAGE_CHANGED) as heard:
            with pytest.raises(VersionConflict):
                await storage.client.store([put], storage_correlation_id=failed)
            await storage.client.store([storage.client.images.put(an_image())], storage_correlation_id=last)
            await self._change(heard, last)
        assert failed not in [each.envelope.correlation_id for each in heard]

    @staticmethod
    async def _change(heard: list[Delivery], storage_correlation_id: str) -> StorageChanged:
        def found() -> list[Delivery]:
            return [each for each in heard if each.envelope.correlation_id == storage_correlation_id]

        await eventually(lambda: bool(found()), f"a change of {storage_correlation_id}")
        change = envelopes.payload(found()[0].envelope, StorageChanged)
        assert change.storage_correlation_id == storage_correlation_id
        return change
