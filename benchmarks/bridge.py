"""The hub bridge: requests beside a bare consumer that makes the same RPC, events beside the same direct calls.

The server, the bridge and the bare consumer are processes of their own on one RabbitMQ.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aio_pika
import grpc
from aio_pika.abc import AbstractConnection, AbstractExchange, AbstractIncomingMessage
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
from image_grpc_testkit.servers.rabbitmq import rabbitmq

ROUNDS = 9
REQUESTS = 500
CONCURRENCY = 50
MAPS = 20
EVENTS = 400
EVENTS_PER_MAP = EVENTS // MAPS
GET_THEME = "image.rpc.ThemeService.GetTheme"


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker."""
    with rabbitmq() as node:
        async with servers.standin("--latency", "0") as standin, servers.service(folder, standin.address) as server:
            bridge = ("-m", "image_grpc", "bridge", "--target", server.address, "--hub-url", node.url)
            bare = ("-m", "benchmarks.bare_bridge", node.url, server.address)
            async with (
                servers.running(bridge, "(connects the hub)", {}),
                servers.running(bare, "(consumes)", {}),
                await aio_pika.connect(node.url) as connection,
                grpc.aio.insecure_channel(server.address) as channel,
            ):
                return [await _requests(connection), await _events(connection, channel)]


class Requester:
    """Sends requests for a theme and awaits the replies."""

    def __init__(self, reply_to: str) -> None:
        self._reply_to = reply_to
        self._pending: dict[str | None, asyncio.Future[None]] = {}

    async def handle_reply(self, message: AbstractIncomingMessage) -> None:
        """Finish the request that the message replies to."""
        self._pending.pop(message.correlation_id).set_result(None)

    async def request_all(self, exchange: AbstractExchange, routing_key: str) -> None:
        """Send REQUESTS requests, CONCURRENCY at a time."""

        async def request_sequentially() -> None:
            for _ in range(REQUESTS // CONCURRENCY):
                await self._request(exchange, routing_key)

        await asyncio.gather(*(request_sequentially() for _ in range(CONCURRENCY)))

    async def _request(self, exchange: AbstractExchange, routing_key: str) -> None:
        id_ = str(uuid.uuid4())
        reply = self._pending[id_] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            _envelope(id_, GET_THEME, {"theme": "horror"}),
            content_type="application/json",
            correlation_id=id_,
            reply_to=self._reply_to,
        )
        await exchange.publish(message, routing_key)
        await reply


async def _requests(connection: AbstractConnection) -> Row:
    channel = await connection.channel(publisher_confirms=False)
    exchange = await channel.get_exchange("tabletop.requests")
    replies = await channel.declare_queue(exclusive=True)
    requester = Requester(replies.name)
    await replies.consume(requester.handle_reply, no_ack=True)
    ours, floor = [], []
    for _ in range(ROUNDS + 1):  # the first warms up
        ours.append(await _rate(REQUESTS, lambda: requester.request_all(exchange, GET_THEME)))
        floor.append(await _rate(REQUESTS, lambda: requester.request_all(channel.default_exchange, QUEUE)))
    name = f"bridged requests in JSON, {CONCURRENCY} at once"
    return compared(name, ours[1:], floor[1:], unit="/s", target=">= 0.9")


class OverlayRenamer:
    """Renames the overlays of all maps EVENTS_PER_MAP times, by events or by calls."""

    def __init__(self, overlays: list[Overlay], server: grpc.aio.Channel, exchange: AbstractExchange) -> None:
        self._overlays, self._exchange = overlays, exchange
        self._stub = OverlayServiceStub(server)
        self._names = itertools.count()

    async def rename_by_events(self) -> None:
        """Publish the events, and wait until the service has handled all."""
        versions = {overlay.id: await self._version(overlay) + EVENTS_PER_MAP for overlay in self._overlays}
        for _ in range(EVENTS_PER_MAP):
            for overlay in self._overlays:
                update = {"overlay_id": overlay.id, "changes": {"name": str(next(self._names))}}
                payload = {"map_id": overlay.map_id, "overlay_updates": [update]}
                body = _envelope(str(uuid.uuid4()), "map_state_changed", payload)
                message = aio_pika.Message(body, content_type="application/json")
                await self._exchange.publish(message, "map.state_changed")
        for overlay in self._overlays:
            while await self._version(overlay) < versions[overlay.id]:  # noqa: ASYNC110 (in another process)
                await asyncio.sleep(0.02)

    async def rename_by_calls(self) -> None:
        """Make the calls that the bridge makes for the events, all maps at once."""
        await asyncio.gather(*map(self._rename_sequentially, self._overlays))

    async def _rename_sequentially(self, overlay: Overlay) -> None:
        for _ in range(EVENTS_PER_MAP):
            request = UpdateOverlayRequest(
                overlay_id=overlay.id,
                version=await self._version(overlay),
                changes=OverlayChanges(name=str(next(self._names))),
                request_id=str(uuid.uuid4()),
            )
            await self._stub.UpdateOverlay(request)

    async def _version(self, overlay: Overlay) -> int:
        response = await self._stub.GetOverlay(GetOverlayRequest(overlay_id=overlay.id))
        return response.overlay.version


async def _events(connection: AbstractConnection, server: grpc.aio.Channel) -> Row:
    channel = await connection.channel(publisher_confirms=False)
    exchange = await channel.get_exchange("tabletop.events")
    renamer = OverlayRenamer(await _create_overlays(server), server, exchange)
    ours, floor = [], []
    for _ in range(ROUNDS // 2 + 1):
        ours.append(await _rate(EVENTS, renamer.rename_by_events))
        floor.append(await _rate(EVENTS, renamer.rename_by_calls))
    return compared("map_state_changed events, beside the same calls", ours, floor, unit="/s", target="none")


async def _create_overlays(server: grpc.aio.Channel) -> list[Overlay]:
    """Generate MAPS maps, and create an overlay on each."""
    generations, overlays = GenerationServiceStub(server), OverlayServiceStub(server)
    created = []
    for _ in range(MAPS):
        request = GenerateTacticalMapRequest(theme="fantasy")
        request.size.width = request.size.height = 64
        request.wait_for.seconds = 60
        image = (await generations.GenerateTacticalMap(request)).generation.image
        response = await overlays.CreateTacticalOverlay(CreateTacticalOverlayRequest(map_id=image.id))
        created.append(response.overlay)
    return created


def _envelope(id_: str, type_: str, payload: Mapping[str, object]) -> bytes:
    envelope = {
        "id": id_,
        "correlation_id": id_,
        "source_service": "benchmark",
        "type": type_,
        "version": 1,
        "payload": payload,
    }
    return json.dumps(envelope).encode()


async def _rate(count: int, work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return count / (time.perf_counter() - started)
