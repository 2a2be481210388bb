"""The form of requests and replies, and what malformed ones are answered with."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    BlobPart,
    BlobRange,
    DeleteRequest,
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
from tests.contracts.records import (
    MEBIBYTE,
    a_theme,
    an_image,
    an_overlay,
    name_of,
    new_id,
    some_bytes,
)
from tests.contracts.storage_bench import (
    Storage,
    error_in,
    parts_of,
)


class StorageRequestsContract:
    """The suite."""

    async def test_a_reply_has_the_ids_of_its_request(self, storage: Storage) -> None:
        request = RetrieveRequest(storage_correlation_id=new_id(), records=RecordKeys())
        envelope = envelopes.protobuf_envelope(topology.RETRIEVE, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.RETRIEVE)
        assert reply.correlation_id == envelope.correlation_id
        answer = envelopes.payload(reply, RetrieveResponse)
        assert answer.storage_correlation_id == request.storage_correlation_id

    async def test_a_request_in_json_is_answered_in_json(self, storage: Storage) -> None:
        image = an_image()
        request = StoreRequest(
            storage_correlation_id=new_id(), batch=Batch(puts=[storage.client.images.put(image)])
        )
        envelope = envelopes.json_envelope(topology.STORE, request, correlation_id=new_id())
        reply = await storage.send(envelope, routing_key=topology.STORE)
        assert reply.payload["storage_correlation_id"] == request.storage_correlation_id
        assert reply.payload["batch"]["records"][0]["image"]["id"] == image.id
        assert await storage.client.images.retrieve(image.id) is not None

    async def test_a_request_is_the_same_in_json_and_in_protobuf(self, storage: Storage) -> None:
        put = storage.client.images.put(an_image())
        request = StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[put]))
        for make in (envelopes.json_envelope, envelopes.protobuf_envelope):
            reply = await storage.send(
                make(topology.STORE, request, correlation_id=new_id()), routing_key=topology.STORE
            )
            assert envelopes.payload(reply, StoreResponse).batch.records[0].image.version == 1

    async def test_a_blob_can_be_sent_and_read_in_json(self, storage: Storage) -> None:
        data = some_bytes()
        request = StoreRequest(storage_correlation_id=new_id(), blob_part=parts_of(data)[0])
        envelope = envelopes.json_envelope(topology.STORE, request, correlation_id=new_id())
        await storage.send(envelope, routing_key=topology.STORE)
        await storage.client.images.store(an_image(of=data))
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
        ("operation", "request_", "field"),
        [
            (topology.STORE, StoreRequest(storage_correlation_id="x", batch=Batch()), "storage_correlation_id"),
            (topology.STORE, StoreRequest(batch=Batch()), "storage_correlation_id"),
            (topology.STORE, StoreRequest(storage_correlation_id=new_id()), "operation"),
            (
                topology.STORE,
                StoreRequest(storage_correlation_id=new_id(), batch=Batch(puts=[Put()])),
                "batch.puts[0].record",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(),
                    batch=Batch(puts=[Put(record=Record(image=an_image())), Put(record=Record())]),
                ),
                "batch.puts[1].record",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(), batch=Batch(puts=[Put(record=Record(image=Image()))])
                ),
                "batch.puts[0].record",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(),
                    batch=Batch(puts=[Put(record=Record(overlay=an_overlay(id="x" * 65)))]),
                ),
                "batch.puts[0].record",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(),
                    batch=Batch(puts=[Put(record=Record(theme=a_theme(name="Not a name")))]),
                ),
                "batch.puts[0].record.theme.name",
            ),
            *(
                (
                    topology.STORE,
                    StoreRequest(
                        storage_correlation_id=new_id(),
                        batch=Batch(
                            puts=[Put(record=Record(image=Image(id=new_id(), content={"sha256": sha256})))]
                        ),
                    ),
                    "batch.puts[0].record.image.content.sha256",
                )
                for sha256 in ("../../../etc/passwd", "abc", "A" * 64, "\0")
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(),
                    batch=Batch(puts=[Put(record=Record(image=an_image()), at_version=0)]),
                ),
                "batch.puts[0].at_version",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(),
                    batch=Batch(puts=[Put(record=Record(image=an_image()))] * 501),
                ),
                "batch.puts",
            ),
            (
                topology.STORE,
                StoreRequest(
                    storage_correlation_id=new_id(), blob_part=BlobPart(sha256="x", byte_size=1, data=b"x")
                ),
                "blob_part.sha256",
            ),
            *(
                (
                    topology.STORE,
                    StoreRequest(
                        storage_correlation_id=new_id(),
                        blob_part=BlobPart(
                            **{"sha256": "0" * 64, "byte_size": 2 * MEBIBYTE, "data": b"x" * MEBIBYTE, **wrong}
                        ),
                    ),
                    f"blob_part.{field}",
                )
                for field, wrong in (
                    ("byte_size", {"byte_size": 0}),
                    ("byte_size", {"byte_size": 256 * MEBIBYTE + 1}),
                    ("offset", {"offset": -1}),
                    ("offset", {"offset": 5}),
                    ("offset", {"offset": 2 * MEBIBYTE}),
                    ("data", {"data": b""}),
                    ("data", {"data": b"too short"}),
                    ("data", {"data": b"x" * (MEBIBYTE + 1)}),
                )
            ),
            (topology.RETRIEVE, RetrieveRequest(storage_correlation_id=new_id()), "operation"),
            (
                topology.RETRIEVE,
                RetrieveRequest(storage_correlation_id=new_id(), records=RecordKeys(keys=[RecordKey()] * 501)),
                "records.keys",
            ),
            (
                topology.RETRIEVE,
                RetrieveRequest(
                    storage_correlation_id=new_id(),
                    blob_range=BlobRange(sha256="0" * 64, limit=MEBIBYTE + 1),
                ),
                "blob_range.limit",
            ),
            (
                topology.RETRIEVE,
                RetrieveRequest(
                    storage_correlation_id=new_id(), blob_range=BlobRange(sha256="0" * 64, offset=-1, limit=1)
                ),
                "blob_range.offset",
            ),
            (topology.DELETE, DeleteRequest(storage_correlation_id=new_id()), "keys"),
            (topology.LIST, ListRequest(storage_correlation_id=new_id(), page_size=1), "kind"),
            (
                topology.LIST,
                ListRequest(storage_correlation_id=new_id(), kind=RecordKind.RECORD_KIND_IMAGE),
                "page_size",
            ),
            (
                topology.LIST,
                ListRequest(storage_correlation_id=new_id(), kind=RecordKind.RECORD_KIND_IMAGE, page_size=-1),
                "page_size",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_a_malformed_request_is_answered_with_the_field_that_is_wrong(
        self, storage: Storage, operation: str, request_: Message, field: str
    ) -> None:
        error = await storage.refusal(operation, request_)
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", field)
        assert not error.details.retryable

    @pytest.mark.parametrize("operation", [topology.STORE, topology.RETRIEVE, topology.DELETE, topology.LIST])
    async def test_a_payload_that_cannot_be_read_is_answered_with_an_error(
        self, storage: Storage, operation: str
    ) -> None:
        envelope = Envelope(id=new_id(), correlation_id=new_id(), type=operation, payload_bytes=b"\xff\xff")
        error = error_in(await storage.send(envelope, routing_key=operation))
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "payload")
        assert error.details.request_id == envelope.id

    async def test_an_unknown_operation_is_answered_with_an_error(self, storage: Storage) -> None:
        error = await storage.refusal("image.storage.rename", RetrieveRequest())
        assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "type")
        assert "image.storage.rename" in error.message

    async def test_a_blob_that_is_not_there_is_answered_with_an_error(self, storage: Storage) -> None:
        wanted = BlobRange(sha256=name_of(some_bytes()), limit=1)
        error = await storage.refusal(
            topology.RETRIEVE, RetrieveRequest(storage_correlation_id=new_id(), blob_range=wanted)
        )
        assert error.code == "RECORD_NOT_FOUND"
        assert not error.details.retryable

    async def test_a_batch_of_five_hundred_records_is_stored_and_read(self, storage: Storage) -> None:
        images = [an_image() for _ in range(500)]
        stored = await storage.client.store([storage.client.images.put(image) for image in images])
        assert [record.image.id for record in stored] == [image.id for image in images]
        keys = [storage.client.images.key(image.id) for image in images]
        assert await storage.client.retrieve(keys) == stored
