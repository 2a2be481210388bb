"""Records that expire, records put by a deletion, and entries of the audit log, which never change."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tabletop.image.v1.audit_pb2 import AuditEntry
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import DeleteRequest, Put, RecordChange, StorageChanged

from image_grpc.errors import InvalidArgument, VersionConflict
from image_grpc.hub import Delivery, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage import RecordNotFound
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import an_image, an_overlay, new_id
from image_grpc_testkit.contracts.storage_testkit import Storage, a_stored_image, subscribed, wait_until_purged
from image_grpc_testkit.eventually import eventually


def expiring(put: Put, *, seconds: float) -> Put:
    """Set when a put expires, relative to now."""
    put.expire_time.FromMilliseconds(int((time.time() + seconds) * 1000))
    return put


class AuditContract:
    """The suite."""

    async def test_a_record_is_purged_once_it_has_expired(self, storage: Storage) -> None:
        images = storage.client.images
        expired, later, kept = an_image(), an_image(), an_image()
        await store_one(images, expiring(images.put(expired), seconds=-1))
        await store_one(images, expiring(images.put(later), seconds=3600))
        await store_one(images, expiring(images.put(kept), seconds=-1))
        await store_one(images, images.put(kept))
        await wait_until_purged(storage, expired.id)
        assert await images.retrieve(later.id) is not None
        assert await images.retrieve(kept.id) is not None

    async def test_the_time_of_expiry_is_returned(self, storage: Storage) -> None:
        put = expiring(storage.client.images.put(an_image()), seconds=3600)
        [stored] = await storage.client.store([put])
        [read] = await storage.client.retrieve([stored.key])
        assert stored.purge_time.ToMicroseconds() == put.expire_time.ToMicroseconds()
        assert read == stored
        assert not read.HasField("delete_time")

    async def test_a_deletion_puts_other_records_or_nothing_happens(self, storage: Storage) -> None:
        client, image = storage.client, await a_stored_image(storage)
        refused, put = an_overlay(), an_overlay()
        for key in (client.images.key(new_id()), client.images.key(image.id, 7)):
            with pytest.raises((RecordNotFound, VersionConflict)):
                await client.delete([key], puts=[client.overlays.put(refused)])
        with pytest.raises(VersionConflict):
            await client.delete([client.images.key(image.id)], puts=[client.overlays.put_at_version(put, 3)])
        assert await client.overlays.retrieve(refused.id) is None
        assert await client.images.retrieve(image.id) is not None

        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            id_ = new_id()
            for _ in range(2):
                deleted, created = await client.delete(
                    [client.images.key(image.id)], puts=[client.overlays.put(put)], storage_correlation_id=id_
                )
                assert (deleted.key.id, created.key.id, created.key.version) == (image.id, put.id, 1)
            ids = [image.id, put.id]
            await eventually(lambda: ids in [_ids(event) for event in events], "both are announced")
        assert await client.images.retrieve(image.id) is None
        assert await client.overlays.retrieve(put.id) is not None

    async def test_a_put_may_depend_on_a_change(self, storage: Storage) -> None:
        client, image = storage.client, await a_stored_image(storage)
        key = client.images.key(image.id)

        async def puts_with(change: Callable[[Put], Awaitable[Sequence[Record]]]) -> bool:
            overlay = an_overlay()
            put = client.overlays.put(overlay)
            put.if_changed = True
            returned = await change(put)
            exists = await client.overlays.retrieve(overlay.id) is not None
            assert exists == (overlay.id in [record.key.id for record in returned])
            return exists

        assert not await puts_with(lambda put: client.store([put]))
        assert not await puts_with(lambda put: client.store([put], undeletes=[key]))
        assert await puts_with(lambda put: client.delete([key], puts=[put]))
        assert not await puts_with(lambda put: client.delete([key], puts=[put]))
        assert await puts_with(lambda put: client.store([put], undeletes=[key]))
        assert await puts_with(lambda put: client.store([client.images.put(an_image()), put]))

    async def test_a_deletion_puts_no_blobs(self, storage: Storage) -> None:
        image, other = await a_stored_image(storage), await a_stored_image(storage)
        request = DeleteRequest(
            storage_correlation_id=new_id(),
            keys=[storage.client.images.key(image.id)],
            puts=[storage.client.images.put(other)],
        )
        error = await storage.request_error(topology.DELETE, request)
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "puts[0].record.blob")

    async def test_an_entry_of_the_audit_log_never_changes(self, storage: Storage) -> None:
        client, entry = storage.client, AuditEntry(id=new_id(), outcome="OK")
        entries = client.audit_entries
        await client.store([entries.put(entry)])
        with pytest.raises(VersionConflict):
            await client.store([entries.put(AuditEntry(id=entry.id, outcome="ELSE"))])
        with pytest.raises(VersionConflict):
            await client.store([entries.put_at_version(AuditEntry(id=entry.id, outcome="ELSE"), 1)])
        twice = AuditEntry(id=new_id(), outcome="OK")
        with pytest.raises(VersionConflict):
            await client.store([entries.put(twice), entries.put(twice)])
        with pytest.raises(InvalidArgument, match="cannot be changed"):
            await client.delete([entries.key(entry.id)])
        with pytest.raises(InvalidArgument, match="cannot be changed"):
            await client.store(undeletes=[entries.key(entry.id)])
        stored = await entries.retrieve(entry.id)
        assert stored is not None
        assert stored.outcome == "OK"

    async def test_entries_of_the_audit_log_are_not_announced(self, storage: Storage) -> None:
        client, image, entry = storage.client, an_image(), AuditEntry(id=new_id())
        async with subscribed(storage, topology.STORAGE_CHANGED) as events:
            await client.store([client.audit_entries.put(AuditEntry(id=new_id()))])
            await client.store([client.audit_entries.put(entry), client.images.put(image)])
            await eventually(lambda: image.id in [id_ for event in events for id_ in _ids(event)], "announced")
        kinds = {each.key.kind for event in events for each in _changes(event)}
        assert RecordKind.RECORD_KIND_AUDIT_ENTRY not in kinds
        assert all(_ids(event) for event in events)


def _changes(event: Delivery) -> Sequence[RecordChange]:
    return envelopes.payload(event.envelope, StorageChanged).changes


def _ids(event: Delivery) -> list[str]:
    return [change.key.id for change in _changes(event)]
