"""The programs that run a server: `up`, which runs everything in one process, and `serve`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from image_grpc.app.folder_lock import folder_lock
from image_grpc.app.hub import run_hub
from image_grpc.app.hub_bridge import run_bridge
from image_grpc.app.running import Running
from image_grpc.app.server import run_server
from image_grpc.app.standin import run_standin
from image_grpc.app.storage_service import run_storage_service
from image_grpc.settings import EmbeddedSettings
from image_grpc.telemetry import Telemetry


@asynccontextmanager
async def up(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run server, bridge and Storage Service, and the stand-in if there is no API key of GetImg.AI."""
    async with AsyncExitStack() as stack:
        stack.enter_context(folder_lock(settings.data_dir))
        standin_url = ""
        if settings.getimg_api_key is None:
            settings = await stack.enter_async_context(run_standin(settings))
            standin_url = settings.getimg_base_url
        running = await stack.enter_async_context(_run_all(settings))
        yield replace(running, standin_url=standin_url)


@asynccontextmanager
async def up_without_standin(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run server, bridge and Storage Service. Without an API key of GetImg.AI, nothing can be generated."""
    with folder_lock(settings.data_dir):
        async with _run_all(settings) as running:
            yield running


@asynccontextmanager
async def _run_all(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(run_hub(settings))
        await stack.enter_async_context(run_storage_service(settings, hub))
        telemetry = Telemetry()
        address = await stack.enter_async_context(run_server(settings, hub, telemetry))
        await stack.enter_async_context(run_bridge(settings, hub, address, telemetry))
        yield Running(address=address, hub=hub)


@asynccontextmanager
async def serve(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run the server with its pipeline. The in-memory hub reaches no other process, so with it the Storage Service
    runs in this one too."""
    async with _serve(settings, Telemetry()) as running:
        yield running


@asynccontextmanager
async def serve_with_bridge(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run the server as `serve` does, and the bridge."""
    telemetry = Telemetry()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(_serve(settings, telemetry))
        await stack.enter_async_context(run_bridge(settings, running.hub, running.address, telemetry))
        yield running


@asynccontextmanager
async def _serve(settings: EmbeddedSettings, telemetry: Telemetry) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(run_hub(settings))
        if not hub.durable:
            stack.enter_context(folder_lock(settings.data_dir))
            await stack.enter_async_context(run_storage_service(settings, hub))
        address = await stack.enter_async_context(run_server(settings, hub, telemetry))
        yield Running(address=address, hub=hub)
