"""Selection of the Message Hub."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from image_grpc.hub import Hub
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import HubSettings, InvalidSettings


@asynccontextmanager
async def run_hub(settings: HubSettings) -> AsyncIterator[Hub]:
    """Within the block, the hub that the settings name is connected."""
    async with AsyncExitStack() as stack:
        hub = _hub(settings)
        stack.push_async_callback(hub.close)
        await hub.start()
        yield hub


def require_broker(settings: HubSettings) -> None:
    """Raise InvalidSettings for the in-memory hub, which other processes cannot reach."""
    if settings.hub_url == "memory:":
        raise InvalidSettings("IMAGE_GRPC_HUB_URL: must name a RabbitMQ; `memory:` serves a single process")


def _hub(settings: HubSettings) -> Hub:
    if settings.hub_url == "memory:":
        return MemoryHub()
    from image_grpc.hub.amqp import AmqpHub

    return AmqpHub(settings.hub_url)
