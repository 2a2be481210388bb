"""A Storage Service under test, and what the suites of storage do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import obstore
from google.protobuf.message import Message
from obstore.store import from_url
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import Error, ErrorReply
from tabletop.hub.v1.jobs_pb2 import GenerateJob
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.storage_pb2 import (
    BlobPart,
    ListFilter,
    ListOrder,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import Delivery, Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import StorageService
from tests.contracts.patience import eventually
from tests.contracts.records import (
    MEBIBYTE,
    an_image,
    name_of,
    new_id,
    some_bytes,
)

SECONDS = 60.0
"""Longest wait for one reply."""
AT_ONCE = 0.000_001
"""A time that is over as soon as it began, for settings that must be more than nothing."""
NEWEST_FIRST, OLDEST_FIRST = ListOrder.LIST_ORDER_NEWEST_FIRST, ListOrder.LIST_ORDER_OLDEST_FIRST


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """A Storage Service that answers, and what a test does with it."""

    hub: Hub
    client: ImageStorageClient
    service: StorageService
    blob_url: str

    async def objects(self, sha256: str) -> list[str]:
        """Paths of all objects that belong to a blob, the blob itself and parts of it."""
        listed = await obstore.list(from_url(self.blob_url)).collect_async()
        return [each["path"] for each in listed if sha256 in each["path"]]

    async def ask(self, operation: str, request: Message) -> Envelope:
        """Sends a request as it is, without a client that checks or repeats it."""
        envelope = envelopes.protobuf_envelope(operation, request, correlation_id=new_id(), time_to_live=SECONDS)
        return await self.send(envelope, routing_key=operation)

    async def send(self, envelope: Envelope, *, routing_key: str) -> Envelope:
        """Sends an envelope as it is."""
        message = OutboundMessage(
            exchange=topology.REQUESTS, routing_key=routing_key, envelope=envelope, mandatory=True
        )
        return await self.hub.request(message, timeout=SECONDS)

    async def refusal(self, operation: str, request: Message) -> Error:
        """The error that a request is answered with."""
        return error_in(await self.ask(operation, request))


StartStorage = Callable[..., Awaitable[Storage]]
"""Starts a Storage Service with these settings; it stops after the test."""


def error_in(reply: Envelope) -> Error:
    """The error that a reply tells of."""
    assert reply.type == topology.ERROR
    return envelopes.payload(reply, ErrorReply).error


def parts_of(data: bytes) -> list[BlobPart]:
    """The parts that a blob is sent in."""
    return [
        BlobPart(sha256=name_of(data), byte_size=len(data), offset=offset, data=data[offset : offset + MEBIBYTE])
        for offset in range(0, len(data), MEBIBYTE)
    ]


async def send_parts(storage: Storage, parts: Sequence[BlobPart]) -> list[bool]:
    """Sends parts in this order; answers after which of them the blob was there."""
    answers = []
    for part in parts:
        request = StoreRequest(storage_correlation_id=new_id(), blob_part=part)
        answer = await storage.client.request(topology.STORE, request, StoreResponse)
        answers.append(answer.blob_part.committed)
    return answers


async def a_stored_image(storage: Storage, data: bytes | None = None, **changes: Any) -> Image:
    """An image whose bytes are stored."""
    data = some_bytes() if data is None else data
    await storage.client.blobs.put(data)
    return await storage.client.images.store(an_image(of=data, **changes))


async def gone_for_good(storage: Storage, image_id: str) -> None:
    """Sweeps until a deleted image whose time is over is purged."""

    async def purged() -> bool:
        await storage.service.sweep()
        return await storage.client.images.retrieve(image_id, include_deleted=True) is None

    await eventually(purged, "the deleted image is purged")


@asynccontextmanager
async def hearing(storage: Storage, routing_key: str) -> AsyncIterator[list[Delivery]]:
    """Within the block, all events with this routing key come into the list."""
    heard: list[Delivery] = []
    consumer = await storage.hub.subscribe([routing_key], heard.append, on_gap=lambda: None)
    try:
        yield heard
    finally:
        await consumer.stop(grace=SECONDS)


def a_message(routing_key: str, name: str) -> OutboundMessage:
    """A message for the outbox that is called so."""
    envelope = envelopes.json_envelope("test", GenerateJob(generation_id=name), correlation_id=new_id())
    return OutboundMessage(exchange=topology.EVENTS, routing_key=routing_key, envelope=envelope)


def names_in(heard: Sequence[Delivery]) -> list[str]:
    """What the messages are called that came."""
    return [envelopes.payload(each.envelope, GenerateJob).generation_id for each in heard]


async def pages(
    list_page: Callable[..., Awaitable[tuple[list[Any], str]]], filter_: ListFilter, **options: Any
) -> list[list[Any]]:
    """All pages of a listing."""
    found, token = [], ""
    while True:
        page, token = await list_page(filter_, page_token=token, **options)
        found.append(page)
        if not token:
            return found
