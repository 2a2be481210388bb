"""The hub bridge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_grpc.app.hub import require_broker, run_hub
from image_grpc.bridge import Bridge
from image_grpc.hub import Hub
from image_grpc.settings import BridgeSettings
from image_grpc.telemetry import Telemetry


@asynccontextmanager
async def bridge(settings: BridgeSettings, target: str) -> AsyncIterator[None]:
    """Run the bridge alone, for the server at `target`, `host:port`."""
    require_broker(settings)
    async with run_hub(settings) as hub, run_bridge(settings, hub, target, Telemetry()):
        yield


@asynccontextmanager
async def run_bridge(settings: BridgeSettings, hub: Hub, target: str, telemetry: Telemetry) -> AsyncIterator[None]:
    """Within the block, hub messages become calls of the server at `target`."""
    running = Bridge(settings, hub, target, telemetry)
    try:
        await running.start()
        yield
    finally:
        await running.stop()
