"""What happens to hosts and brokers: clocks that differ, purged queues, restored backups."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import GetGenerationRequest, WaitGenerationRequest
from tabletop.image.v1.status_service_pb2 import GetStatusRequest
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from getimg_standin import Fault
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.rabbitmq import Node
from tests.faults.platform import Program, purge_jobs, shifted_clock
from tests.service import PRICE, Provider, Service, portrait, running_standin, service

pytestmark = pytest.mark.faults


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """Run a program within the block."""
    try:
        await program.start()
        yield program
    finally:
        await program.kill()


@pytest.mark.parametrize("offset", ["+7", "-7"])
async def test_a_storage_host_with_another_time_works_and_is_reported(node: Node, tmp_path: Path, offset: str) -> None:
    environment = {
        "IMAGE_GRPC_HUB_URL": await asyncio.to_thread(node.add_virtual_host),
        "IMAGE_GRPC_DATA_DIR": str(tmp_path),
        "IMAGE_GRPC_DRAIN_SECONDS": "0",
    }
    storage = Program("storage", ["storage"], "(is ready)", tmp_path, **environment, **shifted_clock(offset))
    serve = Program("serve", ["serve", "--listen", "127.0.0.1:0"], r"listens on (\S+),", tmp_path, **environment)
    async with running(storage), running(serve), grpc.aio.insecure_channel(serve.address) as channel:
        themes = ThemeServiceStub(channel)
        await themes.CreateTheme(CreateThemeRequest(theme=Theme(name="stars", elements={"lighting": "stars"})))

        async def reported() -> bool:
            status = await StatusServiceStub(channel).GetStatus(GetStatusRequest())
            return any("the clock of another host is" in warning for warning in status.warnings)

        await eventually(reported, "the status warns of the clock")
    log = (tmp_path / "storage.log").read_text() + (tmp_path / "serve.log").read_text()
    assert "clock of another host differs" in log


@pytest.fixture
async def unfinished(node: Node, tmp_path: Path) -> AsyncIterator[tuple[Provider, str, str]]:
    """A stand-in that works again, the URL of a broker, and a generation whose job waits there on the retry ladder."""
    url = await asyncio.to_thread(node.add_virtual_host)
    async with running_standin() as provider:
        async with service(tmp_path / "first", provider, hub_url=url, stalled_after_seconds=3600) as it:
            provider.standin.add_fault(Fault(kind="status", status=503))
            request = portrait()
            request.wait_for.FromMilliseconds(1)
            generation = await it.generate(request)

            async def has_failed() -> bool:
                latest = await it.generations.GetGeneration(GetGenerationRequest(generation_id=generation.id))
                return bool(latest.generation.attempts)

            await eventually(has_failed, "GetImg.AI was called")
        provider.standin.clear_faults()
        yield provider, url, generation.id


async def assert_succeeds(it: Service, generation_id: str) -> None:
    wait = WaitGenerationRequest(generation_id=generation_id)
    wait.timeout.seconds = 120
    generation = (await it.generations.WaitGeneration(wait)).generation
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED


async def test_generations_whose_queue_was_purged_are_generated(
    unfinished: tuple[Provider, str, str], tmp_path: Path
) -> None:
    provider, url, id_ = unfinished
    await purge_jobs(url)
    async with service(tmp_path / "first", provider, hub_url=url, stalled_after_seconds=1) as it:
        await assert_succeeds(it, id_)


async def test_generations_of_a_restored_backup_are_generated(
    unfinished: tuple[Provider, str, str], node: Node, tmp_path: Path
) -> None:
    provider, _, id_ = unfinished
    for command, folder in (("backup", "first"), ("restore", "second")):
        arguments = [sys.executable, "-m", "image_grpc", "storage", command, str(tmp_path / "backup")]
        environment = os.environ | {"IMAGE_GRPC_DATA_DIR": str(tmp_path / folder)}
        process = await asyncio.create_subprocess_exec(*arguments, env=environment)
        assert await process.wait() == 0
    url = await asyncio.to_thread(node.add_virtual_host)  # the old broker's messages are lost
    async with service(tmp_path / "second", provider, hub_url=url, stalled_after_seconds=1) as it:
        await assert_succeeds(it, id_)


async def test_an_operator_requeues_generations(
    unfinished: tuple[Provider, str, str], node: Node, tmp_path: Path
) -> None:
    provider, _, id_ = unfinished
    url = await asyncio.to_thread(node.add_virtual_host)
    async with service(tmp_path / "first", provider, hub_url=url, stalled_after_seconds=3600) as it:
        command = [sys.executable, "-m", "image_grpc", "generation", "requeue", id_, "--hub-url", url]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert output.decode().splitlines()[-1] == "1 requeued"
        await assert_succeeds(it, id_)


async def test_an_operator_compares_costs(node: Node, tmp_path: Path) -> None:
    url = await asyncio.to_thread(node.add_virtual_host)
    async with running_standin() as provider, service(tmp_path, provider, hub_url=url) as it:
        await it.generate(portrait())
        command = [sys.executable, "-m", "image_grpc", "costs", "--days", "2", "--json", "--hub-url", url]
        environment = {"GETIMG_API_KEY": provider.standin.api_key, "IMAGE_GRPC_GETIMG_BASE_URL": provider.url}
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, env=os.environ | environment
        )
        output, _ = await process.communicate()
        yesterday, today = json.loads(output.decode())["costs"]
    assert (today["reported"], today["recorded"], float(today["difference"])) == (PRICE, PRICE, 0.0)
    assert yesterday["reported"] == "0.0"
