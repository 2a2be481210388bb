"""The programs that run a server: `up`, which runs everything in one process, and `serve`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from image_grpc.app.folder_lock import folder_lock
from image_grpc.app.hub import run_bridge, run_hub, telemetry_of
from image_grpc.app.server import run_server
from image_grpc.app.storage_service import run_storage_service
from image_grpc.endpoint import Endpoint
from image_grpc.hub import Hub
from image_grpc.settings import EmbeddedSettings, InvalidSettings
from image_grpc.telemetry import Telemetry

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A service that accepts calls."""

    address: str
    """Address of the gRPC server, `host:port`."""
    for_bridge: Endpoint
    """How a bridge in this process reaches it."""
    hub: Hub
    """The hub in use. Only through it can subscribers in this process receive events of an in-memory hub."""
    standin_url: str = ""
    """URL of the stand-in; empty if GetImg.AI is used."""


@asynccontextmanager
async def up(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run server, bridge and Storage Service, and the stand-in if there is no API key of GetImg.AI."""
    if settings.getimg_api_key is not None:
        async with up_without_standin(settings) as running:
            yield running
    else:
        with folder_lock(settings.data_dir):
            async with _run_standin(settings) as with_standin, _run_all(with_standin) as running:
                yield replace(running, standin_url=with_standin.getimg_base_url)


@asynccontextmanager
async def up_without_standin(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run server, bridge and Storage Service. Without an API key of GetImg.AI, nothing can be generated."""
    with folder_lock(settings.data_dir):
        async with _run_all(settings) as running:
            yield running


@asynccontextmanager
async def _run_all(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    telemetry = telemetry_of(settings)
    async with (
        run_hub(settings) as hub,
        run_storage_service(settings, hub),
        run_server(settings, hub, telemetry) as server,
        run_bridge(settings, hub, server.for_bridge, telemetry),
    ):
        yield Running(address=server.address, for_bridge=server.for_bridge, hub=hub)


@asynccontextmanager
async def serve(settings: EmbeddedSettings, *, telemetry: Telemetry | None = None) -> AsyncIterator[Running]:
    """Run the server with its pipeline. The in-memory hub reaches no other process, so with it the Storage Service
    runs in this one too."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(run_hub(settings))
        if not hub.durable:
            stack.enter_context(folder_lock(settings.data_dir))
            await stack.enter_async_context(run_storage_service(settings, hub))
        server = await stack.enter_async_context(run_server(settings, hub, telemetry or telemetry_of(settings)))
        yield Running(address=server.address, for_bridge=server.for_bridge, hub=hub)


@asynccontextmanager
async def serve_with_bridge(settings: EmbeddedSettings) -> AsyncIterator[Running]:
    """Run the server as `serve` does, and the bridge."""
    telemetry = telemetry_of(settings)
    async with (
        serve(settings, telemetry=telemetry) as running,
        run_bridge(settings, running.hub, running.for_bridge, telemetry),
    ):
        yield running


@asynccontextmanager
async def _run_standin(settings: EmbeddedSettings) -> AsyncIterator[EmbeddedSettings]:
    """Within the block, a stand-in listens. Yields the settings with its URL and its API key.

    The data folder must be locked: it keeps the port number across restarts.
    """
    try:
        from getimg_standin import Behavior, Standin
    except ImportError as error:
        raise InvalidSettings(
            "GETIMG_API_KEY is not set, and the stand-in is not installed: pip install 'image-grpc[embedded]'"
        ) from error
    standin = Standin(behavior=Behavior(latency=settings.standin_latency_seconds))
    host, _, port = settings.standin_listen.rpartition(":")
    port_file = settings.data_dir / "standin-port"
    async with AsyncExitStack() as stack:
        if port != "0":
            url = await stack.enter_async_context(standin.listen(host, int(port)))
        else:  # on the previous port if possible: pictures generated before a crash keep their URLs
            try:
                url = await stack.enter_async_context(standin.listen(host, int(port_file.read_text())))
            except (OSError, ValueError):  # no previous port, or another program uses it
                url = await stack.enter_async_context(standin.listen(host))
            port_file.write_text(str(urlsplit(url).port))
        log.info("GETIMG_API_KEY is not set, using the stand-in", url=url)
        yield settings.model_copy(update={"getimg_base_url": url, "getimg_api_key": SecretStr(standin.api_key)})
