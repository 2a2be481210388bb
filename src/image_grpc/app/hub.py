"""The Message Hub, and the bridge that connects it to the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_grpc.bridge import Bridge
from image_grpc.endpoint import Endpoint
from image_grpc.hub import Hub
from image_grpc.hub.memory import MemoryHub
from image_grpc.hub.signatures import Signatures
from image_grpc.settings import BridgeSettings, HubSettings, InvalidSettings
from image_grpc.telemetry import MESSAGING_MEMORY, MESSAGING_RABBITMQ, Telemetry, observe_clock_skew


@asynccontextmanager
async def run_hub(settings: HubSettings) -> AsyncIterator[Hub]:
    """Within the block, the hub that the settings name is connected."""
    if settings.hub_url == "memory:":
        hub: Hub = MemoryHub()
    else:
        from image_grpc.hub.amqp import AmqpHub

        signatures = Signatures(settings.hub_key_file) if settings.hub_key_file else None
        hub = AmqpHub(settings.hub_url, signatures)
    try:
        await hub.start()
        observe_clock_skew(lambda: hub.clock_skew)
        yield hub
    finally:
        await hub.close()


def telemetry_of(settings: HubSettings) -> Telemetry:
    """Return the telemetry of a program, whose spans name its hub."""
    return Telemetry(messaging_system=MESSAGING_MEMORY if settings.hub_url == "memory:" else MESSAGING_RABBITMQ)


def require_broker(settings: HubSettings) -> None:
    """Raise InvalidSettings for the in-memory hub, which other processes cannot reach."""
    if settings.hub_url == "memory:":
        raise InvalidSettings("IMAGE_GRPC_HUB_URL: must name a RabbitMQ; `memory:` serves a single process")


@asynccontextmanager
async def bridge(settings: BridgeSettings, server: Endpoint) -> AsyncIterator[None]:
    """Run the bridge alone, for this server."""
    require_broker(settings)
    async with run_hub(settings) as hub, run_bridge(settings, hub, server, Telemetry()):
        yield


@asynccontextmanager
async def run_bridge(settings: BridgeSettings, hub: Hub, server: Endpoint, telemetry: Telemetry) -> AsyncIterator[None]:
    """Within the block, hub messages become calls to the server."""
    running = Bridge(settings, hub, server, telemetry)
    try:
        await running.start()
        yield
    finally:
        await running.stop()
