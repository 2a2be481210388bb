"""`image-grpc up` is killed, or receives SIGTERM, while it is generating."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import GetGenerationRequest, WaitGenerationRequest, WatchGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import ListImagesRequest, ReadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub

from getimg_standin import Standin
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load, storage_urls
from image_grpc.storage_service import StorageService
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS, eventually
from tests.cli.processes import UpProcess, up
from tests.service import MODEL, block_generations, fast_standin, portrait, running_standin

pytestmark = pytest.mark.faults

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED


def environment_for(url: str, standin: Standin) -> dict[str, str]:
    return {
        "GETIMG_API_KEY": standin.api_key,
        "IMAGE_GRPC_GETIMG_BASE_URL": url,
        "IMAGE_GRPC_MODEL_PORTRAIT": MODEL,
        "IMAGE_GRPC_DRAIN_SECONDS": "0.3",
        "IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS": "600",  # work that ends does not use it up
        "IMAGE_GRPC_STORAGE_TIMEOUT_SECONDS": "60",
    }


async def submit(service: UpProcess) -> Generation:
    response = await GenerationServiceStub(service.channel).GeneratePortrait(portrait())
    generation: Generation = response.generation
    return generation


async def wait(service: UpProcess, id_: str) -> Generation:
    stub: Any = GenerationServiceStub(service.channel)
    generation: Generation = (
        await stub.WaitGeneration(WaitGenerationRequest(generation_id=id_), timeout=MAX_WAIT_SECONDS)
    ).generation
    return generation


@pytest.mark.parametrize("moment", ["queued", "generating", "storing", "stored"])
async def test_a_generation_survives_a_kill_at_any_moment(tmp_path: Path, moment: str) -> None:
    async with running_standin(fast_standin(latency=0.8)) as provider:
        environment = environment_for(provider.url, provider.standin)
        async with up(tmp_path, **environment) as first:
            generation = await submit(first)
            state = {"queued": 1, "generating": 2, "storing": 3, "stored": 4}[moment]
            await state_reached(first, generation.id, state)
            first.process.kill()
            await first.exit_code()
        async with up(tmp_path, **environment) as second:
            finished = await wait(second, generation.id)
            assert finished.state == SUCCEEDED
            images: Any = ImageServiceStub(second.channel)
            listed = (await images.ListImages(ListImagesRequest())).images
            assert [image.id for image in listed] == [finished.image.id]
            parts = [part async for part in images.ReadImage(ReadImageRequest(image_id=finished.image.id))]
            assert sum(len(part.data) for part in parts) == finished.image.content.byte_size
        assert provider.standin.billed <= 2  # billed twice only if a call was in flight at the kill
        if moment in ("storing", "stored"):
            assert provider.standin.billed == 1
    assert await remaining_parts(tmp_path) == []


async def test_a_generation_survives_a_kill_together_with_the_embedded_stand_in(tmp_path: Path) -> None:
    async with up(tmp_path, "--standin-latency-seconds", "0") as first:
        generation = await submit(first)
        await state_reached(first, generation.id, 3)
        port = int((tmp_path / "standin-port").read_text())
        first.process.kill()
        await first.exit_code()
    with reserved_port(port):
        async with up(tmp_path) as second:
            assert (await wait(second, generation.id)).state == SUCCEEDED


async def test_sigterm_reports_not_serving_ends_watches_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = block_generations(monkeypatch)
    async with running_standin(fast_standin()) as provider:
        environment = environment_for(provider.url, provider.standin)
        async with up(tmp_path, **environment) as service:
            generation = await submit(service)
            stub: Any = GenerationServiceStub(service.channel)
            health: Any = health_pb2_grpc.HealthStub(service.channel)
            health_changes = health.Watch(health_pb2.HealthCheckRequest())
            assert (await health_changes.read()).status == health_pb2.HealthCheckResponse.SERVING
            changes = stub.WatchGeneration(WatchGenerationRequest(generation_id=generation.id))
            first = await changes.read()
            waiting = asyncio.ensure_future(wait(service, generation.id))
            await state_reached(service, generation.id, 2)
            await eventually(lambda: provider.standin.in_flight == 1, "the picture is being drawn")
            service.process.send_signal(signal.SIGTERM)
            assert (await health_changes.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert await health_changes.read() == grpc.aio.EOF
            assert first.generation.id == generation.id
            while (change := await changes.read()) is not grpc.aio.EOF:
                assert change.generation.state <= 2
            assert await changes.code() == grpc.StatusCode.OK
            assert (await waiting).state == GenerationState.GENERATION_STATE_GENERATING
            release.set()
            assert await service.exit_code() == 0
        assert provider.standin.billed == 1
        async with up(tmp_path, **environment) as again:
            assert (await wait(again, generation.id)).state == SUCCEEDED
        assert provider.standin.billed == 1


async def test_a_hanging_call_does_not_delay_sigterm_beyond_the_grace_period(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=600)) as provider:
        environment = environment_for(provider.url, provider.standin) | {"IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS": "0.5"}
        environment["IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS"] = "600"
        async with up(tmp_path, **environment) as service:
            generation = await submit(service)
            await state_reached(service, generation.id, 2)
            service.process.send_signal(signal.SIGTERM)
            assert await service.exit_code() == 0


async def test_a_service_whose_output_nobody_reads_any_more_stops(tmp_path: Path) -> None:
    """As after `image-grpc up 2>&1 | head`."""
    arguments = ("-m", "image_grpc", "up", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path))
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=writer, stderr=writer)
    os.close(writer)
    with os.fdopen(reader) as output:
        await asyncio.to_thread(lambda: next(line for line in output if "listens on" in line))
    try:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_data_folder_serves_one_process(tmp_path: Path) -> None:
    async with up(tmp_path):
        with pytest.raises(AssertionError, match="another process uses"):
            async with up(tmp_path):
                pass


@contextmanager
def reserved_port(port: int) -> Iterator[None]:
    """Within the block, the port can be bound explicitly, but is not assigned as a free port."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield


async def state_reached(service: UpProcess, id_: str, state: int) -> None:
    """Wait until a generation is in a state or a later one."""
    stub: Any = GenerationServiceStub(service.channel)

    async def reached() -> bool:
        response = await stub.GetGeneration(GetGenerationRequest(generation_id=id_))
        return bool(response.generation.state >= state)

    await eventually(reached, f"state {state}")


async def remaining_parts(data_dir: Path) -> list[str]:
    """Return the parts of blobs that remain after a cleanup, which removes those of killed processes."""
    settings = load(StorageServiceSettings, data_dir=data_dir, blob_part_expiry_seconds=0.001)
    database_url, blob_url = storage_urls(settings)
    hub = MemoryHub()
    await hub.start()
    service = StorageService(settings, hub, database_url=database_url, blob_url=blob_url)
    await service.start()
    await service.sweep()
    await service.stop()
    await hub.close()
    return [file.name for file in (data_dir / "blobs" / "parts").glob("*")]
