"""The Storage Service under test, and what the suites of the storage contract do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import Error, ErrorReply
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import IndexFields, Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import BlobPart, ListFilter, ListOrder, StoreRequest, StoreResponse

from image_grpc.hub import Delivery, Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage import ImageStorageClient
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import MEBIBYTE, an_image, name_of, new_id, some_bytes
from image_grpc_testkit.eventually import eventually

SECONDS = 60.0
"""Longest wait for one reply."""
IMMEDIATELY = 0.000_001
"""For settings that must be positive: a time that is over when it begins."""
NEWEST_FIRST, OLDEST_FIRST = ListOrder.LIST_ORDER_NEWEST_FIRST, ListOrder.LIST_ORDER_OLDEST_FIRST


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """A running Storage Service. Apart from the three hooks, tests reach it over the hub only."""

    hub: Hub
    client: ImageStorageClient
    sweep: Callable[[], Awaitable[None]]
    """Runs the periodic cleanup, or waits until it has run."""
    stop: Callable[[], Awaitable[None]]
    """Stops the service."""
    list_objects: Callable[[], Awaitable[list[str]]]
    """Returns the paths of all objects in the object store."""

    async def objects(self, sha256: str) -> list[str]:
        """Return the paths of all objects that belong to a blob: the blob itself and parts of it."""
        return [path for path in await self.list_objects() if sha256 in path]

    async def request(self, operation: str, request: Message) -> Envelope:
        """Send a request without a client that validates or repeats it."""
        envelope = envelopes.protobuf_envelope(operation, request, correlation_id=new_id(), time_to_live=SECONDS)
        return await self.send(envelope, routing_key=operation)

    async def send(self, envelope: Envelope, *, routing_key: str) -> Envelope:
        """Send an envelope as it is."""
        message = OutboundMessage(
            exchange=topology.REQUESTS, routing_key=routing_key, envelope=envelope, mandatory=True
        )
        return await self.hub.request(message, timeout=SECONDS)

    async def request_error(self, operation: str, request: Message) -> Error:
        """Send a request that must fail, and return its error."""
        return error_in(await self.request(operation, request))

    async def store_image(self, image: Image) -> Image:
        """Store an image record without a precondition."""
        return await store_one(self.client.images, self.client.images.put(image))


StartStorage = Callable[..., Awaitable[Storage]]
"""Starts a Storage Service with the given settings; it stops after the test."""


def error_in(reply: Envelope) -> Error:
    """Return the error in a reply that must be one."""
    assert reply.type == topology.ERROR
    return envelopes.payload(reply, ErrorReply).error


def matching(**index: str) -> ListFilter:
    """Return a filter by index fields."""
    return ListFilter(index=IndexFields(**index))


def a_record(**changes: Any) -> Record:
    """Return a record whose body is of a type that no service has."""
    key = RecordKey(kind=RecordKind.RECORD_KIND_IMAGE, id=new_id())
    return Record(**{"key": key, "body_type": "example.v1.Unknown", "body": some_bytes(100), **changes})


def parts_of(data: bytes) -> list[BlobPart]:
    """Return the parts of a blob."""
    return [
        BlobPart(sha256=name_of(data), byte_size=len(data), offset=offset, data=data[offset : offset + MEBIBYTE])
        for offset in range(0, len(data), MEBIBYTE)
    ]


async def send_parts(storage: Storage, parts: Sequence[BlobPart]) -> list[bool]:
    """Send parts in this order. Return after which of them the blob was committed already."""
    committed = []
    for part in parts:
        request = StoreRequest(storage_correlation_id=new_id(), blob_part=part)
        response = await storage.client.request(topology.STORE, request, StoreResponse)
        committed.append(response.blob_part.committed)
    return committed


async def a_stored_image(storage: Storage, data: bytes | None = None, **changes: Any) -> Image:
    """Store an image together with its content."""
    data = some_bytes() if data is None else data
    await storage.client.blobs.put(data)
    return await storage.store_image(an_image(of=data, **changes))


async def wait_until_purged(storage: Storage, image_id: str) -> None:
    """Sweep until a deleted image that is due is purged."""

    async def purged() -> bool:
        await storage.sweep()
        return await storage.client.images.retrieve(image_id, include_deleted=True) is None

    await eventually(purged, "the deleted image is purged")


@asynccontextmanager
async def subscribed(storage: Storage, routing_key: str) -> AsyncIterator[list[Delivery]]:
    """Within the block, collect all events with this routing key in the list."""
    events: list[Delivery] = []
    consumer = await storage.hub.subscribe([routing_key], events.append, on_gap=lambda: None)
    try:
        yield events
    finally:
        await consumer.stop(grace=SECONDS)


def a_message(routing_key: str, name: str) -> OutboundMessage:
    """Return an event with a name that `message_names` recognizes."""
    envelope = envelopes.json_envelope("test", RecordKey(id=name), correlation_id=new_id())
    return OutboundMessage(exchange=topology.EVENTS, routing_key=routing_key, envelope=envelope)


def message_names(events: Sequence[Delivery]) -> list[str]:
    """Return the names of messages created by `a_message`."""
    return [envelopes.payload(event.envelope, RecordKey).id for event in events]


async def all_pages(
    list_page: Callable[..., Awaitable[tuple[list[Any], str]]], filter_: ListFilter, **options: Any
) -> list[list[Any]]:
    """Return all pages of a listing."""
    pages, token = [], ""
    while True:
        page, token = await list_page(filter_, page_token=token, **options)
        pages.append(page)
        if not token:
            return pages
