"""The composition root: builds the parts from Settings, starts them in order, stops them in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from google.protobuf.message import Message
from pydantic import SecretStr
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc import pictures
from image_grpc.bridge import Bridge
from image_grpc.config import InvalidSettings, Settings, storage_urls
from image_grpc.deadline import deadline_in
from image_grpc.errors import StorageServiceError
from image_grpc.generation import (
    PICTURE_REQUESTS,
    Book,
    DrawStep,
    Estimator,
    GenerationReader,
    Pipeline,
    StoreStep,
    Submitter,
    Themes,
    WeightedGate,
    hand_out_again,
)
from image_grpc.getimg import Downloader, GetimgClient
from image_grpc.hub import Hub
from image_grpc.hub.memory import MemoryHub
from image_grpc.maps import fonts
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.renditions import Renditions
from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.interceptors import Check
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.server import Server, Servicers
from image_grpc.rpc.service_status import Monitor, StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc.side_ports import channelz_port, health_port
from image_grpc.storage import ChangeFeed, ImageStorageClient, ReadCache
from image_grpc.telemetry import Telemetry

log = structlog.get_logger(__name__)

WEIGHTS = {Priority.PRIORITY_HIGH: 6, Priority.PRIORITY_NORMAL: 3, Priority.PRIORITY_LOW: 1}
"""Turns of each priority while all of them wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A service that answers."""

    address: str
    """Where the gRPC server listens, `host:port`."""
    hub: Hub
    """The hub it is on; with the embedded one, the only way to hear its events."""
    standin_url: str = ""
    """The stand-in of GetImg.AI that it draws with; empty if it has a real key."""


@asynccontextmanager
async def serve(settings: Settings, *, with_bridge: bool = False) -> AsyncIterator[Running]:
    """The server with its pipeline, and the hub bridge if that is wanted. On the hub inside of this process, which
    no other one reaches, the Storage Service runs inside too."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(_hub(settings))
        if not hub.durable:
            await stack.enter_async_context(_embedded_storage_service(settings, hub))
        telemetry = Telemetry()
        address = await stack.enter_async_context(_server(settings, hub, telemetry))
        if with_bridge:
            await stack.enter_async_context(_bridge(settings, hub, address, telemetry))
        yield Running(address=address, hub=hub)


@asynccontextmanager
async def up(settings: Settings, *, standin: bool = True) -> AsyncIterator[Running]:
    """Everything in one process. Without a GetImg.AI key, the stand-in draws, unless that is not wanted."""
    async with AsyncExitStack() as stack:
        url = ""
        if standin and settings.getimg_api_key is None:
            url, key = await stack.enter_async_context(_standin(settings))
            settings = settings.model_copy(update={"getimg_base_url": url, "getimg_api_key": key})
        hub = await stack.enter_async_context(_hub(settings))
        await stack.enter_async_context(_embedded_storage_service(settings, hub))
        if url:
            _port_file(settings).write_text(str(urlsplit(url).port))
        telemetry = Telemetry()
        address = await stack.enter_async_context(_server(settings, hub, telemetry))
        await stack.enter_async_context(_bridge(settings, hub, address, telemetry))
        yield Running(address=address, hub=hub, standin_url=url)


@asynccontextmanager
async def bridge(settings: Settings, target: str) -> AsyncIterator[None]:
    """The hub bridge alone, for the server at `target`, `host:port`."""
    must_name_a_broker(settings)
    async with _hub(settings) as hub, _bridge(settings, hub, target, Telemetry()):
        yield


def must_name_a_broker(settings: Settings) -> None:
    """Raises InvalidSettings for the hub inside of one process, which another one does not reach."""
    if settings.hub_url == "memory:":
        raise InvalidSettings("IMAGE_GRPC_HUB_URL: must name a RabbitMQ; `memory:` is inside of one process")


@asynccontextmanager
async def storage(settings: Settings) -> AsyncIterator[None]:
    """One replica of the Storage Service."""
    must_name_a_broker(settings)
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(_hub(settings))
        await stack.enter_async_context(_storage_service(settings, hub))
        if settings.health_listen:
            await stack.enter_async_context(health_port(settings.health_listen))
        yield


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[Hub]:
    hub: Hub
    if settings.hub_url == "memory:":
        hub = MemoryHub()
    else:
        from image_grpc.hub.amqp import AmqpHub

        hub = AmqpHub(settings.hub_url)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Within the block, SIGTERM and SIGINT set the event; a second one ends the process at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if asked.is_set():
            raise SystemExit(128 + number)
        log.info("stopping", signal=number.name)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield asked
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _server(settings: Settings, hub: Hub, telemetry: Telemetry) -> AsyncIterator[str]:
    pictures.configure()
    fonts.configure()
    async with AsyncExitStack() as stack:
        stopping = asyncio.Event()
        storage = ImageStorageClient(hub, telemetry, timeout=settings.storage_timeout_seconds)
        cache = ReadCache(
            storage,
            telemetry.counters,
            max_records=settings.cache_max_records,
            max_bytes=settings.cache_max_bytes,
            timeout=settings.storage_timeout_seconds,
        )
        feed = ChangeFeed(hub, cache)
        key = settings.getimg_api_key
        getimg = GetimgClient(
            telemetry,
            api_key=key.get_secret_value() if key else None,
            base_url=settings.getimg_base_url,
            timeout=settings.getimg_timeout_seconds,
            max_in_flight=settings.getimg_max_in_flight,
        )
        stack.push_async_callback(getimg.close)
        downloader = Downloader(
            telemetry,
            base_url=settings.getimg_base_url,
            allowed_hosts=settings.getimg_download_hosts,
            max_bytes=settings.getimg_download_max_bytes,
            timeout=settings.getimg_timeout_seconds,
        )
        stack.push_async_callback(downloader.close)
        await feed.start()
        stack.push_async_callback(feed.stop)
        monitor = Monitor(hub, storage)
        watching = asyncio.create_task(monitor.run(), name="monitor")
        stack.push_async_callback(_cancel, watching)

        gate = WeightedGate(settings.generation_concurrency, WEIGHTS)
        estimator = Estimator(hub, gate)
        themes = Themes(storage, cache)
        coverage = Coverage()
        renditions = _renditions(settings, coverage, cache)
        submitter = Submitter(settings, storage, cache, themes, getimg, estimator)
        reader = GenerationReader(storage, cache, feed, stopping)
        # A hub that forgets has one process, so what the last one held is free at once.
        owner = str(uuid.uuid4()) if hub.durable else "embedded"
        book = Book(storage, telemetry.counters)
        draw = DrawStep(settings, hub, storage, getimg, gate, book, owner=owner)
        store = StoreStep(settings, storage, downloader, estimator, book, telemetry.counters)
        pipeline = Pipeline(settings, hub, storage, gate, draw, store, telemetry)
        servicers = Servicers(
            generation=GenerationServicer(
                submitter,
                reader,
                storage,
                getimg,
                heartbeat_seconds=settings.heartbeat_seconds,
                longest_wait=settings.rpc_max_seconds,
            ),
            image=ImageServicer(
                storage,
                cache,
                feed,
                themes,
                renditions,
                stopping,
                max_downloads=settings.downloads_max_concurrent,
                max_upload=settings.upload_max_bytes,
                heartbeat_seconds=settings.heartbeat_seconds,
            ),
            overlay=OverlayServicer(storage, cache, coverage, renditions),
            theme=ThemeServicer(themes, storage, cache),
            status=StatusServicer(hub, storage, getimg, monitor, telemetry.counters),
        )
        checks: dict[type[Message], Check] = dict.fromkeys(PICTURE_REQUESTS, submitter.check)
        if settings.admin_listen:
            await stack.enter_async_context(channelz_port(settings.admin_listen))
        server = Server(settings, servicers, telemetry, checks=checks, stopping=stopping)
        address = server.bind()  # before any work: a process that cannot be reached must not begin to draw
        stack.push_async_callback(_stop, settings, server, pipeline)
        await pipeline.start()
        if not hub.durable:
            resumed = await hand_out_again(hub, storage)
            log.info("unfinished generations resumed", count=resumed)
        await server.start()
        yield address


def _renditions(settings: Settings, coverage: Coverage, cache: ReadCache) -> Renditions:
    async def find(id_: str) -> Image | None:
        record = await cache.record(RecordKind.RECORD_KIND_IMAGE, id_)
        return record.image if record is not None else None

    return Renditions(
        coverage,
        lambda content: cache.blob(content.sha256, content.byte_size),
        find,
        max_bytes=settings.renditions_max_bytes,
        concurrency=settings.renditions_concurrency,
    )


@asynccontextmanager
async def _bridge(settings: Settings, hub: Hub, target: str, telemetry: Telemetry) -> AsyncIterator[None]:
    made = Bridge(settings, hub, target, telemetry)
    try:
        await made.start()
        yield
    finally:
        await made.stop()


async def _stop(settings: Settings, server: Server, pipeline: Pipeline) -> None:
    """Calls and jobs finish side by side, within the one grace."""
    await server.drain()
    with deadline_in(settings.shutdown_grace_seconds):
        await asyncio.gather(server.stop(), pipeline.stop())


@asynccontextmanager
async def _embedded_storage_service(settings: Settings, hub: Hub) -> AsyncIterator[None]:
    """The Storage Service in the data folder, unless other places are set."""
    folder = settings.data_dir.resolve()
    with _locked(folder):
        async with _storage_service(settings, hub):
            yield


@asynccontextmanager
async def _storage_service(settings: Settings, hub: Hub) -> AsyncIterator[None]:
    try:
        from image_grpc.storage_service import StorageService, Unavailable
    except ImportError as missing:
        raise InvalidSettings(
            "the Storage Service is not installed: pip install 'image-grpc[embedded]'"
        ) from missing
    database_url, blob_url = storage_urls(settings)
    service = StorageService(settings, hub, database_url=database_url, blob_url=blob_url)
    try:
        await service.start()
    except Unavailable as away:
        raise StorageServiceError(f"the Storage Service cannot start: {away}") from away
    try:
        yield
    finally:
        await service.stop()


@asynccontextmanager
async def _standin(settings: Settings) -> AsyncIterator[tuple[str, SecretStr]]:
    try:
        from image_grpc.standin import Behaviour, Standin
    except ImportError as missing:
        raise InvalidSettings(
            "there is no GETIMG_API_KEY, and the stand-in is not installed: pip install 'image-grpc[embedded]'"
        ) from missing
    standin = Standin(behaviour=Behaviour(latency=settings.standin_latency_seconds))
    host, _, port = settings.standin_listen.rpartition(":")
    async with AsyncExitStack() as stack:
        try:
            # Pictures that it drew before a crash are found again under their URLs.
            port_before = int(_port_file(settings).read_text()) if port == "0" else int(port)
            url = await stack.enter_async_context(standin.listen(host, port_before))
        except (FileNotFoundError, ValueError):
            url = await stack.enter_async_context(standin.listen(host, int(port)))
        except OSError:
            if port != "0":
                raise
            url = await stack.enter_async_context(standin.listen(host))
        log.info("no GETIMG_API_KEY: the stand-in draws", url=url)
        yield url, SecretStr(standin.api_key)


def _port_file(settings: Settings) -> Path:
    return settings.data_dir / "standin-port"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one process may have the folder: its hub and its database are for one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as problem:
        raise InvalidSettings(f"IMAGE_GRPC_DATA_DIR: cannot use {folder}: {problem.strerror}") from problem
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise InvalidSettings(f"IMAGE_GRPC_DATA_DIR: another process uses {folder}") from taken
        yield


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
