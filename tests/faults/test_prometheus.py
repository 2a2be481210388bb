"""A Prometheus server reads a running platform, and each alert fires when its cause occurs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aio_pika
import grpc
import pytest
import yaml
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest, GetImageRequest

from getimg_standin import Behavior, Fault, Standin
from getimg_standin.gallery import Gallery
from image_grpc.access.callers import create_key
from image_grpc.background import background
from image_grpc.getimg import GetimgClient, GetimgConfig
from image_grpc.hub import topology
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from image_grpc_testkit.servers.rabbitmq import Node
from tests.access.calls import Identified
from tests.faults.platform import Program, purge_jobs, shifted_clock
from tests.faults.prometheus import RULES, Prometheus, prometheus
from tests.getimg.conftest import generate
from tests.service import MODEL, new_id, portrait, stubs
from tests.statuses import failed_call

pytestmark = pytest.mark.faults

DASHBOARD = RULES.parents[1] / "grafana" / "image-grpc.json"
DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A platform of `serve` and `storage` on a broker, read by a Prometheus server.

    Its balance at GetImg.AI is low, the costs of yesterday are in no record, and the clock of one host is wrong.
    """

    standin: Standin
    hub_url: str
    serve: Program
    storage: Program
    prometheus: Prometheus
    generations: Any
    images: Any
    readers: list[Any]
    """The images as other callers see them."""

    async def generate(self, count: int, *, wait_seconds: int = 0) -> None:
        """Request pictures, and wait for them."""
        request = portrait(wait_for={"seconds": wait_seconds})
        for _ in range(count):
            request.details = new_id()
            await self.generations.GeneratePortrait(request)

    async def pay(self) -> None:
        """Request pictures until one is paid for: a busy machine may take longer than the timeouts of this platform."""

        async def has_succeeded() -> bool:
            request = portrait(details=new_id(), wait_for={"seconds": 60})
            generation = (await self.generations.GeneratePortrait(request)).generation
            return bool(generation.state == GenerationState.GENERATION_STATE_SUCCEEDED)

        await eventually(has_succeeded, "a picture is paid for")

    async def fail_calls(self) -> None:
        """Make calls that the server cannot serve, until cancelled. The first failures of a kind count for no rate."""
        while True:
            requests = [GetImageRequest(image_id=new_id()) for _ in range(10)]
            await asyncio.gather(*(failed_call(self.images.GetImage(request)) for request in requests))

    async def read_slowly(self) -> None:
        """Make calls that wait for a paused Storage Service, until cancelled."""
        while True:
            self.storage.pause()
            try:
                requests = [GetImageRequest(image_id=new_id()) for _ in range(40)]
                reads = asyncio.gather(*(failed_call(self.images.GetImage(request)) for request in requests))
                await asyncio.sleep(2)
            finally:
                self.storage.resume()
            await reads

    async def fail_in_many_ways(self) -> None:
        """Make calls that all fail, with more callers and images than the audit log has room for, until cancelled."""
        while True:
            deletes = [(each, DeleteImageRequest(image_id=new_id())) for each in self.readers for _ in range(45)]
            await asyncio.gather(*(failed_call(images.DeleteImage(request)) for images, request in deletes))

    async def publish_garbage(self, queue: str) -> None:
        """Publish a message that cannot be read."""
        async with await aio_pika.connect(self.hub_url) as connection:
            channel = await connection.channel()
            await channel.default_exchange.publish(aio_pika.Message(b"garbage"), queue)


@pytest.fixture
async def scene(node: Node, tmp_path: Path) -> AsyncIterator[Scene]:
    ago = [0]
    standin = Standin(
        behavior=Behavior(variety=1, balance=Decimal(9)), clock=lambda: time.time() - ago[-1], gallery=Gallery()
    )
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(standin.listen())
        config = GetimgConfig(api_key=standin.api_key, base_url=url, timeout=60, max_in_flight=1)
        client = GetimgClient(Telemetry(), config)
        for days in (2, 1):  # soon after midnight, the costs of yesterday are not settled yet
            ago.append(days * DAY)
            await generate(client)
        await client.close()
        ago.append(0)
        hub_url = await asyncio.to_thread(node.add_virtual_host)
        key = create_key(tmp_path / "keys", name="game-server", role="writer")
        readers = [create_key(tmp_path / "keys", name=f"reader {number}", role="reader") for number in range(20)]
        metrics = f"127.0.0.1:{free_port()}"
        environment = {"IMAGE_GRPC_HUB_URL": hub_url, "IMAGE_GRPC_DATA_DIR": str(tmp_path)}
        settings = {
            "GETIMG_API_KEY": standin.api_key,
            "IMAGE_GRPC_GETIMG_BASE_URL": url,
            "IMAGE_GRPC_MODEL_PORTRAIT": MODEL,
            "IMAGE_GRPC_API_KEYS_FILE": str(tmp_path / "keys"),
            "IMAGE_GRPC_PROMETHEUS_LISTEN": metrics,
            "IMAGE_GRPC_GENERATION_CONCURRENCY": "1",
            "IMAGE_GRPC_STALLED_AFTER_SECONDS": "1",
            "IMAGE_GRPC_STORAGE_TIMEOUT_SECONDS": "3",
            "IMAGE_GRPC_GETIMG_TIMEOUT_SECONDS": "5",
        }
        storage = Program("storage", ["storage"], "(is ready)", tmp_path, **environment, **shifted_clock("+7"))
        arguments = ["serve", "--listen", "127.0.0.1:0"]
        serve = Program("serve", arguments, r"listens on (\S+),", tmp_path, **environment, **settings)
        for program in (storage, serve):
            stack.push_async_callback(program.kill)
            await program.start()
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(serve.address))
        made = stubs(Identified(channel, key))
        yield Scene(
            standin=standin,
            hub_url=hub_url,
            serve=serve,
            storage=storage,
            prometheus=await stack.enter_async_context(prometheus([metrics], tmp_path)),
            generations=made["generations"],
            images=made["images"],
            readers=[stubs(Identified(channel, each))["images"] for each in readers],
        )


async def test_each_alert_fires_when_its_cause_occurs(scene: Scene) -> None:
    alerts, standin = scene.prometheus, scene.standin
    await alerts.wait_for("ImageBalanceLow", "ImageCostsDiffer", "ImageClockSkew")
    await scene.pay()
    await alerts.wait_for("ImageCostPerDay")
    expected = {"ImageBalanceLow", "ImageCostsDiffer", "ImageClockSkew", "ImageCostPerDay"}
    # On a busy machine, storage operations take long without a cause of ours.
    assert await alerts.firing() - {"ImageStorageSlow"} == expected
    alerts.fired = expected  # without what fired before the first metrics were read

    await scene.publish_garbage(topology.STORE_QUEUE)
    await scene.publish_garbage(topology.BRIDGE_REQUESTS_QUEUE)
    standin.add_fault(Fault(kind="status", status=400, count=8))
    await scene.generate(8, wait_seconds=60)
    await alerts.wait_for("ImageDeadLetters", "ImageConsumersMissing", "ImageGenerationsFailing")

    standin.add_fault(Fault(kind="hang"))
    await scene.generate(40)
    await alerts.wait_for("ImageJobsWaiting", "ImageGenerationsOld")
    standin.clear_faults()
    standin.add_fault(Fault(kind="status", status=503))
    await purge_jobs(scene.hub_url)
    await alerts.wait_for("ImageGenerationsStalled", "ImageGetimgSuspended")

    panels = json.loads(DASHBOARD.read_text())["panels"]
    for expression in [target["expr"] for panel in panels for target in panel["targets"]]:
        assert await alerts.query(expression), f"{expression} has no value"

    async with background(scene.read_slowly(), name="slow reads"):
        await alerts.wait_for("ImageStorageSlow")
    scene.storage.pause()
    async with background(scene.fail_in_many_ways(), name="forbidden calls"):
        await alerts.wait_for("ImageAuditEntriesLost")

    await scene.storage.kill()
    async with background(scene.fail_calls(), name="calls"):
        await alerts.wait_for("ImageCallsFailing", "ImageDependencyUnhealthy")
    await scene.serve.kill()
    await alerts.wait_for("ImageServiceDown")

    rules = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert alerts.fired == set(rules)
