"""The client retries temporary failures within the caller's deadline, and reports the others."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.deadline import deadline_in
from image_grpc.errors import DeadlineExceeded, Overloaded, ServiceError, StorageServiceError
from image_grpc.hub import Ack, Delivery, RequestTimeout, Settlement, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.origin import Origin, work_of
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient, blobs, requester
from image_grpc.storage_service import StorageService
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.contracts.records import MEBIBYTE, an_image, name_of, new_id, some_bytes
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS, eventually, increasing_durations
from tests.storage.conftest import SECONDS, FakeReadService

ENDLESS = 3600.0


class LossyHub(MemoryHub):
    """A hub that loses some replies and records the requests with their timeouts."""

    def __init__(self, *, lose: int = 0) -> None:
        super().__init__()
        self.lose = lose
        self.sent: list[OutboundMessage] = []
        self.timeouts: list[float] = []

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        self.sent.append(message)
        self.timeouts.append(timeout)
        return await super().request(message, timeout=timeout)

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        self.lose -= 1
        if self.lose < 0:
            await super().reply(delivery, envelope, timeout=timeout)
        else:  # as if the request had timed out
            self._replies.resolve(delivery.reply_to, RequestTimeout("the reply is lost"))


@asynccontextmanager
async def a_storage_service(hub: MemoryHub, folder: Path) -> AsyncIterator[StorageService]:
    """Within the block, run the reference Storage Service."""
    service = StorageService(
        load(StorageServiceSettings),
        hub,
        database_url=f"sqlite:///{folder}/storage.db",
        blob_url=f"file://{folder}/blobs",
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@pytest.fixture
def quickly_repeated_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat requests without a reply after 0.1 s."""
    monkeypatch.setattr(requester, "ATTEMPT_SECONDS", 0.1)


@pytest.mark.parametrize("seconds", [0.5, 2.2])
@pytest.mark.parametrize("outage", ["unroutable", "no reply"])
async def test_an_outage_is_reported_within_the_deadline(seconds: float, outage: str, telemetry: Telemetry) -> None:
    hub = LossyHub()
    if outage == "no reply":
        await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=ENDLESS)
    async with asyncio.timeout(MAX_WAIT_SECONDS):
        with deadline_in(seconds), pytest.raises(StorageServiceError) as failure:
            await client.images.retrieve(an_image().id)
    # The client reserves time before the deadline for the report.
    granted = seconds - min(requester.MARGIN_SECONDS, seconds / 10)
    assert all(timeout <= granted for timeout in hub.timeouts)
    [reported] = re.findall(r"within (\d+\.\d) s", failure.value.message)
    assert float(reported) <= round(granted, 1)
    assert failure.value.retry_delay == 1.0
    assert topology.RETRIEVE in failure.value.message
    assert client.last_failure == failure.value.message


async def test_a_deadline_that_is_too_short_for_any_reply_is_the_callers_fault(telemetry: Telemetry) -> None:
    hub = LossyHub()
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=ENDLESS)
    with deadline_in(0.1), pytest.raises(DeadlineExceeded, match=topology.RETRIEVE):
        await client.images.retrieve(an_image().id)


async def test_after_the_deadline_nothing_is_sent(telemetry: Telemetry) -> None:
    hub = LossyHub()
    client = ImageStorageClient(hub, telemetry, timeout=ENDLESS)
    with deadline_in(0), pytest.raises(DeadlineExceeded, match=topology.RETRIEVE):
        await client.images.retrieve(an_image().id)
    assert hub.sent == []


async def test_without_a_deadline_the_configured_timeout_applies(telemetry: Telemetry) -> None:
    client = ImageStorageClient(MemoryHub(), telemetry, timeout=0.2)
    with pytest.raises(StorageServiceError, match=r"within 0\.2 s"):
        await client.images.retrieve(an_image().id)


async def test_a_request_waits_for_a_storage_service_that_returns_in_time(
    hub: MemoryHub, client: ImageStorageClient, tmp_path: Path
) -> None:
    storing = asyncio.create_task(store_one(client.images, client.images.put(an_image())))
    await asyncio.sleep(0.1)
    assert not storing.done()
    async with a_storage_service(hub, tmp_path):
        assert (await storing).version == 1
    assert client.last_failure == ""


async def test_a_repeated_request_has_one_effect(telemetry: Telemetry, tmp_path: Path) -> None:
    hub = LossyHub(lose=2)
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        stored = await store_one(client.images, client.images.put_if_absent(an_image()))
        assert stored.version == 1
        assert len(hub.sent) == 3
        assert len({message.envelope.correlation_id for message in hub.sent}) == 1
        latest = await client.images.retrieve(stored.id)
        assert latest is not None
        assert latest.version == 1


@pytest.mark.parametrize("change", [{"body": b"\xff"}, {"body_type": "another.Image"}], ids=["body", "type"])
async def test_a_listing_leaves_out_a_record_in_a_form_of_another_service(
    hub: MemoryHub, client: ImageStorageClient, tmp_path: Path, change: dict[str, Any]
) -> None:
    async with a_storage_service(hub, tmp_path):
        readable = await store_one(client.images, client.images.put(an_image()))
        foreign = client.images.put(an_image())
        for name, value in change.items():
            setattr(foreign.record, name, value)
        await client.store([foreign])
        images, _ = await client.images.list(page_size=10)
    assert images == [readable]


@pytest.mark.usefixtures("quickly_repeated_requests")
async def test_a_queued_request_expires_with_its_caller(telemetry: Telemetry, tmp_path: Path) -> None:
    hub = LossyHub()
    await hub.start()
    image = an_image()
    for seconds in increasing_durations(0.5):
        client = ImageStorageClient(hub, telemetry, timeout=seconds)
        hub.sent.clear()
        with pytest.raises(StorageServiceError):
            await store_one(client.images, client.images.put(image))
        if len(hub.sent) >= 2:
            break
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        assert await client.images.retrieve(image.id) is None


async def test_a_permanent_failure_is_not_retried(client: ImageStorageClient, read_service: FakeReadService) -> None:
    read_service.failing = True
    with pytest.raises(StorageServiceError, match="the database failed") as failure:
        await client.images.retrieve(an_image().id)
    assert failure.value.retry_delay is None
    assert len(read_service.requests) == 1
    assert client.last_failure == failure.value.message
    read_service.failing = False
    await client.images.retrieve(an_image().id)
    assert client.last_failure == ""


async def test_a_malformed_reply_is_reported(telemetry: Telemetry) -> None:
    hub = LossyHub()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)

    async def reply_malformed(delivery: Delivery) -> Settlement:
        reply = Envelope(id=new_id(), type=f"{delivery.envelope.type}.reply", payload_bytes=b"\xff")
        await hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    await hub.start()
    await hub.consume(topology.STORAGE_QUEUE, reply_malformed, concurrency=1)
    with pytest.raises(StorageServiceError, match="malformed reply"):
        await client.images.retrieve(an_image().id)
    assert "malformed reply" in client.last_failure
    assert len(hub.sent) == 1
    await hub.close()


async def test_a_cancelled_call_stops_repeating_its_request(telemetry: Telemetry) -> None:
    hub = LossyHub()
    client = ImageStorageClient(hub, telemetry, timeout=60)
    task = asyncio.create_task(client.images.retrieve(an_image().id))
    await eventually(lambda: len(hub.sent) >= 2, "the request is repeated")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_an_incomplete_transfer_of_a_blob_is_reported(telemetry: Telemetry, tmp_path: Path) -> None:
    class FailsAfterTheFirstPart(LossyHub):
        replies = 0

        async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
            if self.replies:
                raise RequestTimeout("the connection is lost")
            reply = await super().request(message, timeout=timeout)
            self.replies += 1
            return reply

    hub = FailsAfterTheFirstPart()
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        for seconds in increasing_durations(0.5):
            hub.replies = 0
            with deadline_in(seconds), pytest.raises((StorageServiceError, DeadlineExceeded)) as failure:
                await client.blobs.put(some_bytes(6 * MEBIBYTE))
            if "the connection is lost" in failure.value.message:
                break  # otherwise the deadline passed before each part was tried


async def test_a_stored_blob_is_not_transferred_again(telemetry: Telemetry, tmp_path: Path) -> None:
    hub = LossyHub()
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    data = some_bytes(5 * MEBIBYTE)
    async with a_storage_service(hub, tmp_path):
        assert await client.blobs.put(data) == name_of(data)
        assert len(hub.sent) == 5
        await store_one(client.images, client.images.put(an_image(of=data)))
        hub.sent.clear()
        assert await client.blobs.put(data) == name_of(data)
        assert len(hub.sent) == 1


async def test_concurrent_parts_are_limited_and_others_wait_until_their_deadline(
    client: ImageStorageClient, read_service: FakeReadService
) -> None:
    read_service.put_blob("some", b"bytes")
    read_service.may_reply.clear()
    reads = [asyncio.create_task(client.blobs.read("some", 0, 5)) for _ in range(100)]
    await eventually(lambda: len(read_service.requests) == blobs.MAX_CONCURRENT_PARTS, "all slots are taken")
    with deadline_in(0.5), pytest.raises(StorageServiceError, match="too many blob parts"):
        await client.blobs.read("some", 0, 5)
    assert len(read_service.requests) == blobs.MAX_CONCURRENT_PARTS
    read_service.may_reply.set()
    assert await asyncio.gather(*reads) == [b"bytes"] * 100


@pytest.mark.parametrize(("origin", "error"), [(Origin.NEW, Overloaded), (Origin.ACCEPTED, StorageServiceError)])
async def test_a_timeout_while_others_succeed_is_overload_only_for_calls(
    telemetry: Telemetry, origin: Origin, error: type[ServiceError]
) -> None:
    """What was accepted, and may have been paid for, is retried as after any failure of the Storage Service."""

    class SilentHub(MemoryHub):
        async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
            client._reads.last_reply = time.monotonic() + 60  # another request succeeds meanwhile
            await asyncio.sleep(timeout)
            raise RequestTimeout("no reply")

    client = ImageStorageClient(SilentHub(), telemetry, timeout=0.3)
    with work_of(origin), pytest.raises(error):
        await client.retrieve([])
