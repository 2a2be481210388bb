"""The client gets through what passes, within the caller's time, and says plainly what does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.deadline import deadline_in
from image_grpc.errors import StorageServiceError
from image_grpc.hub import Delivery, RequestTimeout, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.storage import client as client_module
from image_grpc.storage_service import StorageService
from image_grpc.telemetry import Telemetry
from tests.contracts.patience import PATIENCE_SECONDS, eventually, longer_and_longer
from tests.contracts.records import MEBIBYTE, an_image, name_of, some_bytes
from tests.storage.conftest import SECONDS, Shelf

ENDLESS = 3600.0


class LossyHub(MemoryHub):
    """A hub that loses some replies, and notes which requests were sent and how long each could take."""

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
        else:  # as if the time had passed in which it can come
            self._replies[delivery.reply_to].set_exception(RequestTimeout("the reply is lost"))


@asynccontextmanager
async def a_storage_service(hub: MemoryHub, folder: Path) -> AsyncIterator[StorageService]:
    """Within the block, the reference Storage Service answers."""
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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without a reply is sent again after a tenth of a second."""
    monkeypatch.setattr(client_module, "ATTEMPT_SECONDS", 0.1)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 2.2])
@pytest.mark.parametrize("away", ["nobody takes requests", "nobody answers"])
async def test_without_a_storage_service_the_failure_comes_within_the_deadline(
    seconds: float, away: str, telemetry: Telemetry
) -> None:
    hub = LossyHub()
    if away == "nobody answers":
        await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=ENDLESS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with deadline_in(seconds), pytest.raises(StorageServiceError) as failure:
            await client.images.retrieve(an_image().id)
    # What it gives itself ends before the deadline, by what telling it takes.
    granted = max(0.0, seconds - client_module.MARGIN_SECONDS)
    assert all(timeout <= granted for timeout in hub.timeouts)
    [told] = re.findall(r"within (\d+\.\d) s", failure.value.message)
    assert float(told) <= round(granted, 1)
    assert failure.value.retry_delay == 1.0
    assert topology.RETRIEVE in failure.value.message
    assert client.last_failure == failure.value.message


async def test_without_a_deadline_the_configured_timeout_counts(telemetry: Telemetry) -> None:
    client = ImageStorageClient(MemoryHub(), telemetry, timeout=0.2)
    with pytest.raises(StorageServiceError, match=r"within 0\.2 s"):
        await client.images.retrieve(an_image().id)


async def test_a_storage_service_that_comes_back_in_time_is_not_missed(
    hub: MemoryHub, client: ImageStorageClient, tmp_path: Path
) -> None:
    stored = asyncio.create_task(client.images.store(an_image()))
    await asyncio.sleep(0.1)
    assert not stored.done()
    async with a_storage_service(hub, tmp_path):
        assert (await stored).version == 1
    assert client.last_failure == ""


async def test_a_request_that_is_sent_again_has_one_effect(telemetry: Telemetry, tmp_path: Path) -> None:
    hub = LossyHub(lose=2)
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        stored = await client.images.store(an_image(), absent=True)
        assert stored.version == 1
        assert len(hub.sent) == 3
        assert len({message.envelope.correlation_id for message in hub.sent}) == 1
        newest = await client.images.retrieve(stored.id)
        assert newest is not None
        assert newest.version == 1


@pytest.mark.usefixtures("impatient")
async def test_a_request_waits_in_its_queue_no_longer_than_somebody_waits_for_its_reply(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    hub = LossyHub()
    await hub.start()
    image = an_image()
    for seconds in longer_and_longer(0.5):
        client = ImageStorageClient(hub, telemetry, timeout=seconds)
        hub.sent.clear()
        with pytest.raises(StorageServiceError):
            await client.images.store(image)
        if len(hub.sent) >= 2:
            break
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        assert await client.images.retrieve(image.id) is None


async def test_what_the_storage_service_cannot_do_is_not_tried_again(client: ImageStorageClient, shelf: Shelf) -> None:
    shelf.failing = True
    with pytest.raises(StorageServiceError, match="the database failed") as failure:
        await client.images.retrieve(an_image().id)
    assert failure.value.retry_delay is None
    assert len(shelf.asked) == 1
    assert client.last_failure == failure.value.message
    shelf.failing = False
    await client.images.retrieve(an_image().id)
    assert client.last_failure == ""


async def test_who_gives_up_waiting_stops_the_sending(telemetry: Telemetry) -> None:
    hub = LossyHub()
    client = ImageStorageClient(hub, telemetry, timeout=60)
    task = asyncio.create_task(client.images.retrieve(an_image().id))
    await eventually(lambda: len(hub.sent) >= 2, "the request is sent again")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_a_blob_that_cannot_be_put_in_full_fails_as_any_other_operation(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    class FailsAfterTheFirstPart(LossyHub):
        answered = lost = 0

        async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
            if self.answered:
                self.lost += 1
                raise RequestTimeout("the connection is lost")
            reply = await super().request(message, timeout=timeout)
            self.answered += 1
            return reply

    hub = FailsAfterTheFirstPart()
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    async with a_storage_service(hub, tmp_path):
        for seconds in longer_and_longer(0.5):
            hub.answered = 0
            with deadline_in(seconds), pytest.raises(StorageServiceError) as failure:
                await client.blobs.put(some_bytes(6 * MEBIBYTE))
            if hub.lost:  # else the first part took all the time
                break
    assert "the connection is lost" in failure.value.message


async def test_a_blob_that_is_there_already_is_not_sent_again(telemetry: Telemetry, tmp_path: Path) -> None:
    hub = LossyHub()
    await hub.start()
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    data = some_bytes(5 * MEBIBYTE)
    async with a_storage_service(hub, tmp_path):
        assert await client.blobs.put(data) == name_of(data)
        assert len(hub.sent) == 5
        await client.images.store(an_image(of=data))
        hub.sent.clear()
        assert await client.blobs.put(data) == name_of(data)
        assert len(hub.sent) == 1


async def test_a_process_has_few_parts_under_way_and_the_others_wait_within_their_deadline(
    client: ImageStorageClient, shelf: Shelf
) -> None:
    shelf.put_blob("some", b"bytes")
    shelf.may_answer.clear()
    reads = [asyncio.create_task(client.blobs.read("some", 0, 5)) for _ in range(100)]
    await eventually(lambda: len(shelf.asked) == client_module.PARTS_AT_ONCE, "as many as may are under way")
    with deadline_in(0.5), pytest.raises(StorageServiceError, match="under way"):
        await client.blobs.read("some", 0, 5)
    assert len(shelf.asked) == client_module.PARTS_AT_ONCE
    shelf.may_answer.set()
    assert await asyncio.gather(*reads) == [b"bytes"] * 100
