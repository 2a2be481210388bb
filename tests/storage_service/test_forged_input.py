"""Requests that no client of ours sends are invalid, on every database, and affect no other request."""

from __future__ import annotations

import hashlib
import json

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import Batch, BlobPart, ListFilter, ListRequest, StoreRequest

from image_grpc import page_tokens
from image_grpc.hub import topology
from image_grpc.storage_service.listing import _identity
from image_grpc_testkit.contracts.records import MEBIBYTE, an_image, new_id, some_bytes
from image_grpc_testkit.contracts.storage_testkit import StartStorage, Storage


@pytest.fixture(params=["sqlite", "postgresql"])
async def storage(request: pytest.FixtureRequest, start_storage: StartStorage, blob_url: str) -> Storage:
    if request.param == "sqlite":
        return await start_storage()
    return await start_storage(at=(request.getfixturevalue("fresh_database"), blob_url))


@pytest.mark.parametrize(
    "position",
    [None, {}, [1], ["1", "a"], [1, 2], [1, "a", 3], [2**63, "a"], [-1, "a"], [1, "a\0"], [1.5, "a"], [True, "a"]],
    ids=str,
)
async def test_a_forged_position_is_refused(storage: Storage, position: object) -> None:
    request = ListRequest(storage_correlation_id=new_id(), kind=RecordKind.RECORD_KIND_IMAGE, page_size=1)
    request.page_token = page_tokens.encode(json.dumps(position).encode(), listing=_identity(request))
    error = await storage.request_error(topology.LIST, request)
    assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "page_token")


async def test_a_forged_version_is_refused(storage: Storage) -> None:
    filter_ = ListFilter(versions_of=new_id())
    request = ListRequest(
        storage_correlation_id=new_id(), kind=RecordKind.RECORD_KIND_IMAGE, page_size=1, filter=filter_
    )
    request.page_token = page_tokens.encode(b'["1"]', listing=_identity(request))
    assert (await storage.request_error(topology.LIST, request)).details.field == "page_token"


async def test_a_wrong_size_does_not_prevent_others_from_storing_the_content(storage: Storage) -> None:
    data = some_bytes(2 * MEBIBYTE + 5)
    sha256 = hashlib.sha256(data).hexdigest()
    for byte_size, length in ((5, 5), (MEBIBYTE + 1, MEBIBYTE), (3 * MEBIBYTE, MEBIBYTE)):
        part = BlobPart(sha256=sha256, byte_size=byte_size, offset=0, data=b"x" * length)
        await storage.request(topology.STORE, StoreRequest(storage_correlation_id=new_id(), blob_part=part))
    assert await storage.client.blobs.put(data) == sha256
    image = an_image()
    image.content.sha256, image.content.byte_size = sha256, len(data)
    await storage.store_image(image)
    assert await storage.client.blobs.read_all(sha256, len(data)) == data
    part = BlobPart(sha256=sha256, byte_size=5, offset=0, data=b"x" * 5)
    error = await storage.request_error(topology.STORE, StoreRequest(storage_correlation_id=new_id(), blob_part=part))
    assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "blob_part.data")


async def test_a_message_that_cannot_be_published_is_refused(storage: Storage) -> None:
    message = OutboundMessage(routing_key="a", envelope=Envelope(type="t", timestamp={"seconds": 2**62}))
    batch = Batch(messages=[OutboundMessage(routing_key="a"), message], puts=[storage.client.images.put(an_image())])
    request = StoreRequest(storage_correlation_id=new_id(), batch=batch)
    error = await storage.request_error(topology.STORE, request)
    assert (error.code, error.details.field) == ("INVALID_ARGUMENT", "batch.messages[1]")
