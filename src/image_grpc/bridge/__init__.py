"""The hub bridge: a gRPC client of the server that turns hub messages into calls, and responses into messages."""

import asyncio

from image_grpc.bridge.client import ImageServiceClient
from image_grpc.bridge.events import EventHandler
from image_grpc.bridge.requests import RequestHandler, RequestLimits
from image_grpc.endpoint import Endpoint
from image_grpc.hub import Consumer, Hub, topology
from image_grpc.settings import BridgeSettings
from image_grpc.telemetry import Telemetry


class Bridge:
    """The two consumers, which connect the hub with the server at `endpoint`."""

    def __init__(self, settings: BridgeSettings, hub: Hub, endpoint: Endpoint, telemetry: Telemetry) -> None:
        self._settings, self._hub = settings, hub
        self._client = ImageServiceClient(endpoint)
        limits = RequestLimits(
            calls=settings.bridge_concurrency, waits=settings.bridge_waits, max_call_seconds=settings.rpc_max_seconds
        )
        self._requests = RequestHandler(hub, self._client, telemetry, limits)
        self._events = EventHandler(self._client, telemetry)
        self._consumers: list[Consumer] = []

    async def start(self) -> None:
        """Start consuming. After a failure, `stop` ends what was started."""
        calls, waits = self._settings.bridge_concurrency, self._settings.bridge_waits
        for queue, handler, concurrency in (
            # Twice as many calls as are made at once, so that the requests of one source do not hide all others.
            (topology.BRIDGE_REQUESTS_QUEUE, self._requests.handle, 2 * calls + waits),
            (topology.BRIDGE_EVENTS_QUEUE, self._events.handle, calls),
        ):
            self._consumers.append(await self._hub.consume(queue, handler, concurrency=concurrency))

    async def stop(self) -> None:
        """Stop consuming, and finish running handlers within the grace period; other messages are requeued."""
        self._events.close()
        grace = self._settings.shutdown_grace_seconds
        await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))
        await self._client.close()
