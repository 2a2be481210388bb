"""Selection of the Message Hub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_grpc.hub import Hub
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import HubSettings, InvalidSettings


@asynccontextmanager
async def run_hub(settings: HubSettings) -> AsyncIterator[Hub]:
    """Within the block, the hub that the settings name is connected."""
    if settings.hub_url == "memory:":
        hub: Hub = MemoryHub()
    else:
        from image_grpc.hub.amqp import AmqpHub

        hub = AmqpHub(settings.hub_url)
    try:
        await hub.start()
        yield hub
    finally:
        await hub.close()


def require_broker(settings: HubSettings) -> None:
    """Raise InvalidSettings for the in-memory hub, which other processes cannot reach."""
    if settings.hub_url == "memory:":
        raise InvalidSettings("IMAGE_GRPC_HUB_URL: must name a RabbitMQ; `memory:` serves a single process")
