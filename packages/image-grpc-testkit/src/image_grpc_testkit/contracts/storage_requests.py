"""The form of requests and replies, and the replies to malformed requests."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.storage.v1.record_pb2 import IndexFields, Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    BlobPart,
    BlobRange,
    DeleteRequest,
    ListFilter,
    ListRequest,
    Put,
    RecordKeys,
    RetrieveRequest,
    RetrieveResponse,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc_testkit.contracts.records import MEBIBYTE, an_image, name_of, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import Storage, a_record, error_in, parts_of

IMAGE = RecordKind.RECORD_KIND_IMAGE


def batch_of(*records: Record, **put: Any) -> StoreRequest:
    """Return a request that puts records."""
    return StoreRequest(
        storage_correlation_id=new_id(), batch=Batch(puts=[Put(record=record, **put) for record in records])
    )


def batch_with(**changes: Any) -> StoreRequest:
    """Return a request that puts a record with these changes."""
    return batch_of(a_record(**changes))


def batch_with_blob(sha256: str, byte_size: int = 1) -> StoreRequest:
    """Return a request that puts a record with this blob."""
    return batch_with(blob={"sha256": sha256, "byte_size": byte_size})


def part_with(**changes: Any) -> StoreRequest:
    """Return a request that stores the first of two parts, with these changes."""
    valid = {"sha256": "0" * 64, "byte_size": 2 * MEBIBYTE, "data": b"x" * MEBIBYTE}
    return StoreRequest(storage_correlation_id=new_id(), blob_part=BlobPart(**{**valid, **changes}))


def retrieve(**operation: Any) -> RetrieveRequest:
    """Return a request that reads something."""
    return RetrieveRequest(storage_correlation_id=new_id(), **operation)


def list_images(**changes: Any) -> ListRequest:
    """Return a request that lists an image, with these changes."""
    return ListRequest(**{"storage_correlation_id": new_id(), "kind": IMAGE, "page_size": 1, **changes})


NO_TIME = Timestamp(seconds=2**62)

MALFORMED: list[tuple[str, Message, str]] = [
    (topology.STORE, StoreRequest(storage_correlation_id="x", batch=Batch()), "storage_correlation_id"),
    (topology.STORE, StoreRequest(batch=Batch()), "storage_correlation_id"),
    (topology.STORE, StoreRequest(storage_correlation_id=new_id()), "operation"),
    (topology.STORE, StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[Put()])), "batch.puts[0].record"),
    (topology.STORE, batch_of(a_record(), Record(body_type="x")), "batch.puts[1].record.key"),
    (topology.STORE, batch_with(key=RecordKey(id="x")), "batch.puts[0].record.key.kind"),
    (topology.STORE, batch_with(key=RecordKey(kind=99, id="x")), "batch.puts[0].record.key.kind"),  # type: ignore[arg-type]
    (topology.STORE, batch_with(key=RecordKey(kind=IMAGE)), "batch.puts[0].record.key.id"),
    (topology.STORE, batch_with(key=RecordKey(kind=IMAGE, id="x" * 65)), "batch.puts[0].record.key.id"),
    (topology.STORE, batch_with(key=RecordKey(kind=IMAGE, id="a\0b")), "batch.puts[0].record.key.id"),
    (topology.STORE, batch_with(index=IndexFields(theme="a\0b")), "batch.puts[0].record.index.theme"),
    (topology.STORE, batch_with(index=IndexFields(state="x" * 33)), "batch.puts[0].record.index.state"),
    (topology.STORE, batch_with(body_type=""), "batch.puts[0].record.body_type"),
    (topology.STORE, batch_with(body_type="x" * 201), "batch.puts[0].record.body_type"),
    (topology.STORE, batch_with(body=b"x" * (4 * MEBIBYTE + 1)), "batch.puts[0].record.body"),
    *(
        (topology.STORE, batch_with_blob(sha256), "batch.puts[0].record.blob.sha256")
        for sha256 in ("", "../../../etc/passwd", "abc", "A" * 64, "\0")
    ),
    (topology.STORE, batch_with_blob("0" * 64, byte_size=0), "batch.puts[0].record.blob.byte_size"),
    (topology.STORE, batch_of(a_record(), at_version=0), "batch.puts[0].at_version"),
    (topology.STORE, batch_of(*[a_record()] * 501), "batch.puts"),
    (topology.STORE, batch_of(a_record(), expire_time=NO_TIME), "batch.puts[0].expire_time"),
    (topology.STORE, part_with(sha256="x"), "blob_part.sha256"),
    (topology.STORE, part_with(byte_size=0), "blob_part.byte_size"),
    (topology.STORE, part_with(byte_size=256 * MEBIBYTE + 1), "blob_part.byte_size"),
    (topology.STORE, part_with(offset=-1), "blob_part.offset"),
    (topology.STORE, part_with(offset=5), "blob_part.offset"),
    (topology.STORE, part_with(offset=2 * MEBIBYTE), "blob_part.offset"),
    (topology.STORE, part_with(data=b""), "blob_part.data"),
    (topology.STORE, part_with(data=b"too short"), "blob_part.data"),
    (topology.STORE, part_with(data=b"x" * (MEBIBYTE + 1)), "blob_part.data"),
    (topology.RETRIEVE, retrieve(), "operation"),
    (topology.RETRIEVE, retrieve(records=RecordKeys(keys=[RecordKey(kind=IMAGE, id="x")] * 501)), "records.keys"),
    (
        topology.RETRIEVE,
        retrieve(records=RecordKeys(keys=[RecordKey(kind=IMAGE, id="x"), RecordKey()])),
        "records.keys[1].kind",
    ),
    (topology.RETRIEVE, retrieve(blob_range=BlobRange(sha256="0" * 64, limit=MEBIBYTE + 1)), "blob_range.limit"),
    (topology.RETRIEVE, retrieve(blob_range=BlobRange(sha256="0" * 64, offset=-1, limit=1)), "blob_range.offset"),
    (topology.DELETE, DeleteRequest(storage_correlation_id=new_id()), "keys"),
    (topology.LIST, list_images(kind=RecordKind.RECORD_KIND_UNSPECIFIED), "kind"),
    (topology.LIST, list_images(page_size=0), "page_size"),
    (topology.LIST, list_images(filter=ListFilter(create_time_from=NO_TIME)), "filter.create_time_from"),
    (topology.LIST, list_images(page_size=-1), "page_size"),
    (topology.LIST, list_images(filter=ListFilter(states=["queued", "a\0b"])), "filter.states[1]"),
    (topology.LIST, list_images(filter=ListFilter(versions_of="a\0b")), "filter.versions_of"),
]


class StorageRequestsContract:
    """The suite."""

    async def test_a_reply_has_the_ids_of_its_request(self, storage: Storage) -> None:
        request = RetrieveRequest(storage_correlation_id=new_id(), records=RecordKeys())
        envelope = envelopes.protobuf_envelope(topology.RETRIEVE, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.RETRIEVE)
        assert reply.correlation_id == envelope.correlation_id
        response = envelopes.payload(reply, RetrieveResponse)
        assert response.storage_correlation_id == request.storage_correlation_id

    async def test_the_reply_to_a_request_in_json_is_json(self, storage: Storage) -> None:
        image = an_image()
        request = StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[storage.client.images.put(image)]))
        envelope = envelopes.json_envelope(topology.STORE, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.STORE)
        assert reply.payload["storage_correlation_id"] == request.storage_correlation_id
        assert reply.payload["batch"]["records"][0]["key"]["id"] == image.id
        assert await storage.client.images.retrieve(image.id) is not None

    async def test_a_request_is_recognized_in_json_and_in_protobuf(self, storage: Storage) -> None:
        put = storage.client.images.put(an_image())
        request = StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[put]))
        for encode in (envelopes.json_envelope, envelopes.protobuf_envelope):
            reply = await storage.send(
                encode(topology.STORE, request, correlation_id=new_id()), routing_key=topology.STORE
            )
            assert envelopes.payload(reply, StoreResponse).batch.records[0].key.version == 1

    async def test_a_blob_can_be_put_and_read_in_json(self, storage: Storage) -> None:
        data = some_bytes()
        request = StoreRequest(storage_correlation_id=new_id(), blob_part=parts_of(data)[0])
        envelope = envelopes.json_envelope(topology.STORE, request, correlation_id=new_id())
        await storage.send(envelope, routing_key=topology.STORE)
        await storage.store_image(an_image(of=data))
        read = RetrieveRequest(
            storage_correlation_id=new_id(), blob_range=BlobRange(sha256=name_of(data), limit=MEBIBYTE)
        )
        envelope = envelopes.json_envelope(topology.RETRIEVE, read, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.RETRIEVE)
        assert envelopes.payload(reply, RetrieveResponse).data == data

    async def test_an_error_in_json_has_the_documented_form(self, storage: Storage) -> None:
        request = ListRequest(storage_correlation_id=new_id(), kind=RecordKind.RECORD_KIND_IMAGE, page_size=501)
        envelope = envelopes.json_envelope(topology.LIST, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.LIST)
        assert reply.type == "error"
        error = reply.payload["error"]
        assert error["code"] == "INVALID_ARGUMENT"
        assert error["message"].startswith("page_size: ")
        assert error["details"]["field"] == "page_size"
        assert error["details"]["request_id"] == envelope.id
        assert error["details"]["timestamp"]
        assert error["details"]["retryable"] is False

    @pytest.mark.parametrize(
        ("operation", "request_", "field"), MALFORMED, ids=lambda value: value if isinstance(value, str) else ""
    )
    async def test_the_reply_to_a_malformed_request_names_the_invalid_field(
        self, storage: Storage, operation: str, request_: Message, field: str
    ) -> None:
        error = await storage.request_error(operation, request_)
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", field)
        assert not error.details.retryable

    @pytest.mark.parametrize("operation", [topology.STORE, topology.RETRIEVE, topology.DELETE, topology.LIST])
    async def test_the_reply_to_a_malformed_payload_is_an_error(self, storage: Storage, operation: str) -> None:
        envelope = Envelope(id=new_id(), correlation_id=new_id(), type=operation, payload_bytes=b"\xff\xff")
        error = error_in(await storage.send(envelope, routing_key=operation))
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "payload")
        assert error.details.request_id == envelope.id

    async def test_the_reply_to_an_unknown_operation_is_an_error(self, storage: Storage) -> None:
        error = await storage.request_error("image.storage.rename", RetrieveRequest())
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "type")
        assert "image.storage.rename" in error.message

    async def test_the_reply_to_a_read_of_a_missing_blob_is_an_error(self, storage: Storage) -> None:
        range_ = BlobRange(sha256=name_of(some_bytes()), limit=1)
        error = await storage.request_error(
            topology.RETRIEVE, RetrieveRequest(storage_correlation_id=new_id(), blob_range=range_)
        )
        assert error.code == "RECORD_NOT_FOUND"
        assert not error.details.retryable

    async def test_a_batch_may_have_five_hundred_records(self, storage: Storage) -> None:
        images = [an_image() for _ in range(500)]
        stored = await storage.client.store([storage.client.images.put(image) for image in images])
        assert [record.key.id for record in stored] == [image.id for image in images]
        keys = [storage.client.images.key(image.id) for image in images]
        assert await storage.client.retrieve(keys) == stored
