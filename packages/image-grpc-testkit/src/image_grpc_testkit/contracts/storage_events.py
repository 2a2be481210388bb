"""Messages that a commit publishes: those of its batch, and the event that reports its changes."""

from __future__ import annotations

import pytest
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import StorageChanged

from image_grpc.errors import VersionConflict
from image_grpc.hub import Delivery, topology
from image_grpc.hub import envelope as envelopes
from image_grpc_testkit.collections import delete_one, undelete_one
from image_grpc_testkit.contracts.records import a_generation, an_image, an_overlay, new_id
from image_grpc_testkit.contracts.storage_testkit import Storage, a_message, message_names, subscribed
from image_grpc_testkit.eventually import eventually


class StorageEventsContract:
    """The suite."""

    async def test_messages_of_a_batch_are_published_after_the_commit(self, storage: Storage) -> None:
        routing_key, image = f"test.{new_id()}", an_image()
        async with subscribed(storage, routing_key) as events:
            messages = [a_message(routing_key, str(number)) for number in range(3)]
            await storage.client.store([storage.client.images.put(image)], messages=messages)
            await eventually(lambda: len(events) == 3, "the messages are published")
            assert await storage.client.images.retrieve(image.id) is not None
        assert [event.envelope for event in events] == [message.envelope for message in messages]

    async def test_messages_of_a_failed_batch_are_never_published(self, storage: Storage) -> None:
        routing_key, image = f"test.{new_id()}", an_image()
        put = storage.client.images.put_if_absent(image)
        async with subscribed(storage, routing_key) as events:
            await storage.client.store([put], messages=[a_message(routing_key, "first")])
            with pytest.raises(VersionConflict):
                await storage.client.store([put], messages=[a_message(routing_key, "failed")])
            await delete_one(storage.client.images, image.id)
            await storage.client.store(
                undeletes=[storage.client.images.key(image.id)], messages=[a_message(routing_key, "last")]
            )
            await eventually(lambda: "last" in message_names(events), "the last message is published")
        assert message_names(events) == ["first", "last"]

    async def test_a_repeated_request_does_not_publish_its_messages_again(self, storage: Storage) -> None:
        routing_key, id_, put = f"test.{new_id()}", new_id(), storage.client.images.put(an_image())
        message = a_message(routing_key, "repeated")
        async with subscribed(storage, routing_key) as events:
            for _ in range(3):
                await storage.client.store([put], messages=[message], storage_correlation_id=id_)
            await storage.client.store([put], messages=[a_message(routing_key, "last")])
            await eventually(lambda: "last" in message_names(events), "the last message is published")
        assert message_names(events) == ["repeated", "last"]

    async def test_messages_of_a_deletion_are_published(self, storage: Storage) -> None:
        routing_key, image = f"test.{new_id()}", await storage.store_image(an_image())
        async with subscribed(storage, routing_key) as events:
            key = storage.client.images.key(image.id)
            await storage.client.delete([key], messages=[a_message(routing_key, "deleted")])
            await eventually(lambda: message_names(events) == ["deleted"], "the message is published")

    async def test_every_commit_reports_its_changes(self, storage: Storage) -> None:
        client, id_ = storage.client, new_id()
        image, overlay = an_image(), an_overlay()
        await storage.store_image(image)
        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            stored = await client.store(
                [client.images.put(image), client.overlays.put(overlay)], storage_correlation_id=id_
            )
            event = await self._changed(events, id_)
        assert [(change.key.kind, change.key.id, change.key.version) for change in event.changes] == [
            (RecordKind.RECORD_KIND_IMAGE, image.id, 2),
            (RecordKind.RECORD_KIND_OVERLAY, overlay.id, 1),
        ]
        assert [change.record for change in event.changes] == stored
        assert [change.restored for change in event.changes] == [False, False]

    async def test_deletions_and_restorations_are_reported(self, storage: Storage) -> None:
        image, deletion, restoration = await storage.store_image(an_image()), new_id(), new_id()
        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            await delete_one(storage.client.images, image.id, storage_correlation_id=deletion)
            await undelete_one(storage.client.images, image.id, storage_correlation_id=restoration)
            [deleted] = (await self._changed(events, deletion)).changes
            [restored] = (await self._changed(events, restoration)).changes
        assert deleted.key == restored.key == storage.client.images.key(image.id, 1)
        assert deleted.record.HasField("delete_time")
        assert not restored.record.HasField("delete_time")
        assert (deleted.restored, restored.restored) == (False, True)

    async def test_changes_of_large_records_are_reported_without_the_record(self, storage: Storage) -> None:
        id_, generation = new_id(), a_generation(prompt="x" * 20_000)
        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            await storage.client.store([storage.client.generations.put(generation)], storage_correlation_id=id_)
            [change] = (await self._changed(events, id_)).changes
        assert change.key == storage.client.generations.key(generation.generation.id, 1)
        assert not change.HasField("record")

    async def test_failed_batches_report_nothing(self, storage: Storage) -> None:
        failed, last = new_id(), new_id()
        put = storage.client.images.put_at_version(an_image(), 1)
        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            with pytest.raises(VersionConflict):
                await storage.client.store([put], storage_correlation_id=failed)
            await storage.client.store([storage.client.images.put(an_image())], storage_correlation_id=last)
            await self._changed(events, last)
        assert failed not in [event.envelope.correlation_id for event in events]

    @staticmethod
    async def _changed(events: list[Delivery], storage_correlation_id: str) -> StorageChanged:
        def matches() -> list[Delivery]:
            return [event for event in events if event.envelope.correlation_id == storage_correlation_id]

        await eventually(lambda: bool(matches()), f"the changes of {storage_correlation_id} are reported")
        event = envelopes.payload(matches()[0].envelope, StorageChanged)
        assert event.storage_correlation_id == storage_correlation_id
        return event
