"""Reading the bytes of stored pictures through ImageService.ReadImage, over a real channel."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pyvips
from structlog.testing import capture_logs
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest

from image_grpc.storage import ReadCache
from image_grpc_testkit.eventually import eventually
from tests.service import Service, portrait, service
from tests.statuses import failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024


async def test_a_picture_is_sent_in_chunks_of_at_most_1_mib(running: Service, image: Image) -> None:
    parts = [part async for part in running.images.ReadImage(ReadImageRequest(image_id=image.id))]
    assert parts[0].content == image.content
    chunks = [part.data for part in parts[1:]]
    assert len(chunks) > 1
    assert all(0 < len(chunk) <= MIB for chunk in chunks)
    data = b"".join(chunks)
    assert len(data) == image.content.byte_size
    assert hashlib.sha256(data).hexdigest() == image.content.sha256


@pytest.mark.parametrize(
    ("offset", "limit"), [(0, 1), (0, MIB), (1, MIB), (MIB - 1, 2), (MIB, 1), (MIB + 1, 0), (17, 0), (5, 10**12)]
)
async def test_any_range_can_be_read(running: Service, image: Image, offset: int, limit: int) -> None:
    whole = await running.read(image.id)
    expected = whole[offset : offset + limit] if limit else whole[offset:]
    assert await running.read(image.id, offset=offset, limit=limit) == expected


async def test_a_read_at_the_end_returns_only_the_description(running: Service, image: Image) -> None:
    request = ReadImageRequest(image_id=image.id, offset=image.content.byte_size)
    [response] = [part async for part in running.images.ReadImage(request)]
    assert response.content == image.content


async def test_an_offset_past_the_end_is_rejected(running: Service, image: Image) -> None:
    request = ReadImageRequest(image_id=image.id, offset=image.content.byte_size + 1)
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE")
    assert error.fields == ["offset"]


async def test_a_reader_that_goes_away_is_no_failure_of_the_server(running: Service) -> None:
    values = np.random.default_rng(7).integers(0, 256, (2600, 2600, 3), dtype=np.uint8)  # more than gRPC buffers
    noise = pyvips.Image.new_from_array(values).copy(interpretation="srgb")
    image = await running.upload(noise.write_to_buffer(".png[compression=1]"))
    with capture_logs() as logs:
        for _ in range(3):
            call = running.images.ReadImage(ReadImageRequest(image_id=image.id))
            assert (await call.read()).content.byte_size > 16 * MIB
            await asyncio.sleep(0.1)  # the server waits for a reader
            call.cancel()

        def codes() -> list[str]:
            return [each["code"] for each in logs if each["event"] == "call"]

        await eventually(lambda: len(codes()) == 3, "all three calls have ended")
    assert codes() == ["CANCELLED"] * 3
    assert [each for each in logs if each["log_level"] == "error"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("offset", -1), ("limit", -1), ("version", -1), ("max_side", 15), ("max_side", 8193), ("image_id", "7")],
)
async def test_an_invalid_field_is_rejected(running: Service, image: Image, field: str, value: Any) -> None:
    request = ReadImageRequest(**{"image_id": image.id, field: value})
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_the_stored_format_and_the_base_layer_can_be_requested(running: Service, image: Image) -> None:
    explicit = {"format": image.content.format, "layer": ImageLayer.IMAGE_LAYER_BASE, "version": 1}
    assert await running.read(image.id, **explicit) == await running.read(image.id)


async def test_downloads_beyond_the_limit_are_rejected_after_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_grpc.rpc.admission.SLOT_SECONDS", 0.05)
    started, may_finish = asyncio.Event(), asyncio.Event()
    original = ReadCache.part

    async def slow(cache: ReadCache, sha256: str, index: int) -> bytes:
        started.set()
        await may_finish.wait()
        return await original(cache, sha256, index)

    monkeypatch.setattr(ReadCache, "part", slow)
    async with service(tmp_path, downloads_max_concurrent=1) as it:
        stored = (await it.generate(portrait())).image
        async with asyncio.TaskGroup() as group:
            first = group.create_task(it.read(stored.id))
            await started.wait()
            error = await failed_stream(it.images.ReadImage(ReadImageRequest(image_id=stored.id)))
            may_finish.set()
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert error.retry_seconds == 1.0
        assert len(first.result()) == stored.content.byte_size
        assert await it.read(stored.id) == first.result(), "the slot is free again"
