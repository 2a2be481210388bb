"""The client of the Storage Service on a hub, and somebody who answers it as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.message import Message
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import RetrieveRequest, RetrieveResponse

from image_grpc import records
from image_grpc.hub import Ack, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.memory import MemoryHub
from image_grpc.storage import ImageStorageClient
from image_grpc.storage import client as client_module
from image_grpc.telemetry import Telemetry

SECONDS = 60.0


class Shelf:
    """Answers reads from what lies on it, as the Storage Service would; it can be made to wait or to fail."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._records: dict[tuple[int, str], Record] = {}
        self._blobs: dict[str, bytes] = {}
        self.asked: list[RetrieveRequest] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.failing = False

    def put(self, record: Record) -> None:
        """Lays a record down, in the place of an older version."""
        key = records.key(record)
        kept = Record()
        kept.CopyFrom(record)
        self._records[key.kind, key.id] = kept

    def put_blob(self, sha256: str, data: bytes) -> None:
        """Lays a blob down."""
        self._blobs[sha256] = data

    async def handle(self, delivery: Delivery) -> Settlement:
        """Reads at once, and answers when it may."""
        request = envelopes.payload(delivery.envelope, RetrieveRequest)
        self.asked.append(request)
        type_, answer = self._answer(request)
        await self.may_answer.wait()
        reply = envelopes.reply_envelope(delivery.envelope, type_, answer)
        await self._hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    def _answer(self, request: RetrieveRequest) -> tuple[str, Message]:
        if self.failing:
            failed = ErrorReply()
            failed.error.code, failed.error.message = "STORAGE_SERVICE_ERROR", "the database failed"
            return topology.ERROR, failed
        wanted = request.blob_range
        found = [self._records.get((key.kind, key.id)) for key in request.records.keys]
        data = self._blobs.get(wanted.sha256, b"")[wanted.offset : wanted.offset + wanted.limit]
        return "reply", RetrieveResponse(records=[each for each in found if each is not None], data=data)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is sent again because the machine is slow. A test of what is sent again says otherwise."""
    monkeypatch.setattr(client_module, "ATTEMPT_SECONDS", SECONDS)


@pytest.fixture
async def hub() -> AsyncIterator[MemoryHub]:
    hub = MemoryHub()
    await hub.start()
    yield hub
    await hub.close()


@pytest.fixture
async def shelf(hub: MemoryHub) -> AsyncIterator[Shelf]:
    shelf = Shelf(hub)
    consumer = await hub.consume(topology.STORAGE_QUEUE, shelf.handle, concurrency=100)
    yield shelf
    shelf.may_answer.set()
    await consumer.stop(grace=SECONDS)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def client(hub: MemoryHub, telemetry: Telemetry) -> ImageStorageClient:
    return ImageStorageClient(hub, telemetry, timeout=SECONDS)
