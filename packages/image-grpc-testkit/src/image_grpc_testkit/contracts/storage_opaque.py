"""Records as the Storage Service sees them: index fields, a body that it does not read, and what it assigns."""

from __future__ import annotations

import pytest
from tabletop.storage.v1.record_pb2 import BlobReference, IndexFields, Record
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    ListRequest,
    ListResponse,
    Put,
    RecordKeys,
    RetrieveRequest,
    RetrieveResponse,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc_testkit.contracts.records import name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import Storage, a_record, matching

INDEX = IndexFields(
    type="map",
    subtype="a subtype of the future",
    theme="fantasy",
    source_id="source",
    service="service",
    state="queued",
    map_id="map",
)


class OpaqueRecordsContract:
    """The suite."""

    @pytest.mark.parametrize("index", [INDEX, IndexFields(), None], ids=["all", "empty", "unset"])
    async def test_index_fields_are_returned_as_put(self, storage: Storage, index: IndexFields | None) -> None:
        record = a_record(index=index)
        [stored] = await storage.client.store([Put(record=record)])
        [retrieved] = await storage.client.retrieve([record.key])
        assert stored.index == retrieved.index == record.index

    async def test_each_version_keeps_its_index_fields(self, storage: Storage) -> None:
        service = new_id()
        record = a_record(index=IndexFields(service=service, state="queued"))
        await storage.client.store([Put(record=record)])
        record.index.state = "completed"
        await storage.client.store([Put(record=record)])
        versions = []
        for version in (1, 2):
            record.key.version = version
            versions += await storage.client.retrieve([record.key])
        assert [version.index.state for version in versions] == ["queued", "completed"]
        request = ListRequest(
            storage_correlation_id=new_id(), kind=record.key.kind, filter=matching(service=service), page_size=10
        )
        assert list((await storage.client.request(topology.LIST, request, ListResponse)).records) == versions[1:]

    @pytest.mark.parametrize("body", [b"", b"\0\xff", b"{}", some_bytes(4 * 1024 * 1024)], ids=len)
    async def test_body_and_body_type_are_returned_exactly(self, storage: Storage, body: bytes) -> None:
        body_type = "x" * 200 if not body else "not a message, but that is not checked: äöü"
        record = a_record(body=body, body_type=body_type)
        [stored] = await storage.client.store([Put(record=record)])
        [retrieved] = await storage.client.retrieve([record.key])
        assert stored == retrieved
        assert (retrieved.body_type, retrieved.body) == (body_type, body)

    async def test_records_of_one_kind_may_have_bodies_of_unknown_and_different_types(self, storage: Storage) -> None:
        records = [a_record(body_type=f"example.v{number}.Unknown") for number in range(3)]
        stored = await storage.client.store([Put(record=record) for record in records])
        assert [record.body_type for record in stored] == [record.body_type for record in records]

    async def test_values_that_the_storage_service_assigns_are_ignored_in_a_put(self, storage: Storage) -> None:
        record = a_record(storage_id="mine")
        record.key.version = 7
        for name in ("create_time", "update_time", "delete_time", "purge_time"):
            getattr(record, name).FromSeconds(1)
        [stored] = await storage.client.store([Put(record=record)])
        assert stored.key.version == 1
        assert stored.storage_id not in ("mine", "", record.key.id)
        assert stored.create_time == stored.update_time
        assert stored.create_time.ToSeconds() > 1
        assert not stored.HasField("delete_time")
        assert not stored.HasField("purge_time")
        assert await storage.client.retrieve([stored.key]) == [stored]

    async def test_a_blob_reference_is_returned_with_its_path(self, storage: Storage) -> None:
        data = some_bytes()
        await storage.client.blobs.put(data)
        reference = BlobReference(sha256=name_of(data), byte_size=len(data), path="mine")
        [stored] = await storage.client.store([Put(record=a_record(blob=reference))])
        assert (stored.blob.sha256, stored.blob.byte_size) == (name_of(data), len(data))
        assert await storage.objects(name_of(data)) == [stored.blob.path]

    async def test_requests_and_replies_in_json_have_base64_bodies(self, storage: Storage) -> None:
        record = a_record(body=bytes(range(256)), index=INDEX)
        request = StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[Put(record=record)]))
        envelope = envelopes.json_envelope(topology.STORE, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.STORE)
        assert reply.WhichOneof("content") == "payload"
        [stored] = envelopes.payload(reply, StoreResponse).batch.records
        self._assert_content(stored, record)

        read = RetrieveRequest(storage_correlation_id=new_id(), records=RecordKeys(keys=[record.key]))
        envelope = envelopes.json_envelope(topology.RETRIEVE, read, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.RETRIEVE)
        json_body = reply.payload["records"][0]["body"]
        assert json_body.startswith("AAECAwQF")
        assert list(envelopes.payload(reply, RetrieveResponse).records) == [stored]
        assert await storage.client.retrieve([record.key]) == [stored]

    @staticmethod
    def _assert_content(stored: Record, record: Record) -> None:
        assert (stored.body_type, stored.body, stored.index) == (record.body_type, record.body, record.index)
