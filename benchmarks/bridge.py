"""The hub bridge: requests beside a bare consumer that makes the same RPC, events beside the same calls, direct.

The server, the bridge and the bare consumer are processes of their own, on one RabbitMQ.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aio_pika
import grpc
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2 import (
    CreateTacticalOverlayRequest,
    GetOverlayRequest,
    OverlayChanges,
    UpdateOverlayRequest,
)
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from benchmarks import servers
from benchmarks.bare_bridge import QUEUE
from benchmarks.report import Row, compared
from tests.servers import rabbitmq

ROUNDS = 9
REQUESTS = 500
AT_ONCE = 50
MAPS = 20
EVENTS = 400


async def measure(folder: Path) -> list[Row]:
    """All figures, on a broker of their own."""
    with rabbitmq() as node:
        async with (
            servers.standin("--latency", "0") as standin,
            servers.service(folder, standin.address) as server,
        ):
            bridge = ("-m", "image_grpc", "bridge", "--target", server.address, "--hub-url", node.url)
            bare = ("-m", "benchmarks.bare_bridge", node.url, server.address)
            async with (
                servers.running(bridge, "(serves)", {}),
                servers.running(bare, "(consumes)", {}),
                await aio_pika.connect(node.url) as connection,
                grpc.aio.insecure_channel(server.address) as channel,
            ):
                return [await _requests(connection), await _events(connection, channel)]


async def _requests(connection: Any) -> Row:
    channel = await connection.channel(publisher_confirms=False)
    exchange = await channel.get_exchange("tabletop.requests")
    replies = await channel.declare_queue(exclusive=True)
    waiting: dict[str, asyncio.Future[None]] = {}

    async def take(message: Any) -> None:
        waiting.pop(message.correlation_id).set_result(None)

    await replies.consume(take, no_ack=True)

    async def ask(target: Any, routing_key: str) -> None:
        token = str(uuid.uuid4())
        reply = waiting[token] = asyncio.get_running_loop().create_future()
        body = {
            "id": token,
            "correlation_id": token,
            "source_service": "benchmark",
            "type": "image.rpc.ThemeService.GetTheme",
            "version": 1,
            "payload": {"theme": "horror"},
        }
        message = aio_pika.Message(
            json.dumps(body).encode(),
            content_type="application/json",
            correlation_id=token,
            reply_to=replies.name,
        )
        await target.publish(message, routing_key)
        await reply

    async def ask_all(target: Any, routing_key: str) -> None:
        async def one_after_the_other() -> None:
            for _ in range(REQUESTS // AT_ONCE):
                await ask(target, routing_key)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    ours, floor = [], []
    for _ in range(ROUNDS + 1):  # the first warms up
        ours.append(await _rate(REQUESTS, lambda: ask_all(exchange, "image.rpc.ThemeService.GetTheme")))
        floor.append(await _rate(REQUESTS, lambda: ask_all(channel.default_exchange, QUEUE)))
    return compared("bridged requests in JSON, 50 at once", ours[1:], floor[1:], unit="/s", target=">= 0.8")


async def _events(connection: Any, server: Any) -> Row:
    overlays = await _maps(server)
    channel = await connection.channel(publisher_confirms=False)
    exchange = await channel.get_exchange("tabletop.events")
    names = itertools.count()
    stub: Any = OverlayServiceStub(server)

    async def version(overlay: Overlay) -> int:
        found: int = (await stub.GetOverlay(GetOverlayRequest(overlay_id=overlay.id))).overlay.version
        return found

    async def tell() -> None:
        last = {overlay.id: await version(overlay) + EVENTS // MAPS for overlay in overlays}
        for _ in range(EVENTS // MAPS):
            for overlay in overlays:
                update = {"overlay_id": overlay.id, "changes": {"name": str(next(names))}}
                body = {
                    "id": str(uuid.uuid4()),
                    "correlation_id": str(uuid.uuid4()),
                    "source_service": "benchmark",
                    "type": "map_state_changed",
                    "version": 1,
                    "payload": {"map_id": overlay.map_id, "overlay_updates": [update]},
                }
                message = aio_pika.Message(json.dumps(body).encode(), content_type="application/json")
                await exchange.publish(message, "map.state_changed")
        for overlay in overlays:
            while await version(overlay) < last[overlay.id]:  # noqa: ASYNC110 (another process does it)
                await asyncio.sleep(0.02)

    async def change(overlay: Overlay) -> None:
        for _ in range(EVENTS // MAPS):
            changes = OverlayChanges(name=str(next(names)))
            seen = await version(overlay)
            request_id = str(uuid.uuid4())
            await stub.UpdateOverlay(
                UpdateOverlayRequest(overlay_id=overlay.id, version=seen, changes=changes, request_id=request_id)
            )

    async def change_all() -> None:
        await asyncio.gather(*map(change, overlays))

    ours, floor = [], []
    for _ in range(ROUNDS // 2 + 1):
        ours.append(await _rate(EVENTS, tell))
        floor.append(await _rate(EVENTS, change_all))
    return compared("map_state_changed events, beside the same calls", ours, floor, unit="/s", target="none")


async def _maps(server: Any) -> list[Overlay]:
    generations: Any = GenerationServiceStub(server)
    overlays: Any = OverlayServiceStub(server)
    found = []
    for _ in range(MAPS):
        request = GenerateTacticalMapRequest(theme="fantasy")
        request.size.width = request.size.height = 64
        request.wait_for.seconds = 60
        image = (await generations.GenerateTacticalMap(request)).generation.image
        found.append((await overlays.CreateTacticalOverlay(CreateTacticalOverlayRequest(map_id=image.id))).overlay)
    return found


async def _rate(count: int, work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return count / (time.perf_counter() - started)
