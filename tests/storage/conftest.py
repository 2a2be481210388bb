"""The client of the Storage Service on a hub, and a fake Storage Service that tests control."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.message import Message
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import RetrieveRequest, RetrieveResponse

from image_grpc.hub import Ack, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.memory import MemoryHub
from image_grpc.messages import clone
from image_grpc.storage import ImageStorageClient, requester
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.eventually import eventually
from tests.storage.fake_service import Bench, storage_bench

SECONDS = 60.0


class FakeReadService:
    """A fake Storage Service that only handles reads. Tests set its content, delay its replies and make it fail."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._records: dict[tuple[int, str], Record] = {}
        self._blobs: dict[str, bytes] = {}
        self.requests: list[RetrieveRequest] = []
        self.may_reply = asyncio.Event()
        self.may_reply.set()
        self.failing = False

    def put(self, record: Record) -> None:
        """Replace the previous version of a record."""
        self._records[record.key.kind, record.key.id] = clone(record)

    def put_blob(self, sha256: str, data: bytes) -> None:
        self._blobs[sha256] = data

    async def handle(self, delivery: Delivery) -> Settlement:
        """Read at once, but reply only once `may_reply` is set."""
        request = envelopes.payload(delivery.envelope, RetrieveRequest)
        self.requests.append(request)
        type_, response = self._response(request)
        await self.may_reply.wait()
        reply = envelopes.reply_envelope(delivery.envelope, type_, response)
        await self._hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    def _response(self, request: RetrieveRequest) -> tuple[str, Message]:
        if self.failing:
            failure = ErrorReply()
            failure.error.code, failure.error.message = "STORAGE_SERVICE_ERROR", "the database failed"
            return topology.ERROR, failure
        range_ = request.blob_range
        records = [self._records.get((key.kind, key.id)) for key in request.records.keys]
        data = self._blobs.get(range_.sha256, b"")[range_.offset : range_.offset + range_.limit]
        return "reply", RetrieveResponse(records=[each for each in records if each is not None], data=data)


@pytest.fixture(autouse=True)
def no_repeated_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not repeat requests only because the machine is slow."""
    monkeypatch.setattr(requester, "ATTEMPT_SECONDS", SECONDS)


@pytest.fixture
async def hub() -> AsyncIterator[MemoryHub]:
    hub = MemoryHub()
    await hub.start()
    yield hub
    await hub.close()


@pytest.fixture
async def read_service(hub: MemoryHub) -> AsyncIterator[FakeReadService]:
    read_service = FakeReadService(hub)
    consumer = await hub.consume(topology.STORAGE_QUEUE, read_service.handle, concurrency=100)
    yield read_service
    read_service.may_reply.set()
    await consumer.stop(grace=SECONDS)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def client(hub: MemoryHub, telemetry: Telemetry) -> ImageStorageClient:
    return ImageStorageClient(hub, telemetry, timeout=SECONDS)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with storage_bench() as bench:
        yield bench


async def names_of(bench: Bench, map_id: str) -> list[str]:
    """Return the names of a map's overlays, read through the cache."""
    return [overlay.name for overlay in await bench.cache.overlays(map_id)]


async def requests_received(bench: Bench, count: int = 1) -> None:
    """Wait until the fake Storage Service has received this many requests."""
    await eventually(lambda: len(bench.service.requests) >= count, "the Storage Service receives the requests")
