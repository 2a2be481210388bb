"""The gRPC server and its generation pipeline."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from tabletop.image.v1.types_pb2 import Priority

from image_grpc import pictures
from image_grpc.admin_servers import channelz_server
from image_grpc.deadline import deadline_in
from image_grpc.generation import GenerationUseCases
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.intake import Intake
from image_grpc.generation.pipeline import Pipeline, Steps, requeue_unfinished
from image_grpc.generation.reader import GenerationReader
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.resolve import Resolver
from image_grpc.generation.revise import Reviser
from image_grpc.generation.steps.generate import LEASE_FACTOR, GeneratePolicy, GenerateStep
from image_grpc.generation.steps.references import ReferenceLoader
from image_grpc.generation.steps.store import StoreStep
from image_grpc.generation.weighted_fair_semaphore import WeightedFairSemaphore
from image_grpc.getimg import Downloader, GetimgClient, GetimgConfig, UrlPolicy
from image_grpc.hub import Hub
from image_grpc.images import ContentReader, ImageLibrary, ImageWatcher, Uploader
from image_grpc.maps import fonts
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.renditions import Renditions
from image_grpc.overlays import OverlayEditor, OverlayReader
from image_grpc.retry import GenerationLimits
from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.server import Server, Servicers
from image_grpc.rpc.status import StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc.service_status import DependencyMonitor, StatusReporter
from image_grpc.settings import ServerSettings
from image_grpc.storage import CacheLimits, ChangeFeed, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import Telemetry
from image_grpc.themes import ThemeCatalog, ThemeEditor

log = structlog.get_logger(__name__)

WEIGHTS = {Priority.PRIORITY_HIGH: 6, Priority.PRIORITY_NORMAL: 3, Priority.PRIORITY_LOW: 1}
"""Relative number of turns of each priority while all of them are waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Data:
    """Access to stored data."""

    client: ImageStorageClient
    storage: Storage
    feed: ChangeFeed
    themes: ThemeCatalog


@asynccontextmanager
async def run_server(settings: ServerSettings, hub: Hub, telemetry: Telemetry) -> AsyncIterator[str]:
    """Within the block, the server accepts calls and its pipeline processes jobs. Yields its address.

    Raises OSError if an address cannot be bound.
    """
    pictures.configure()
    fonts.configure()
    async with AsyncExitStack() as stack:
        stopping = asyncio.Event()
        data = _data(settings, hub, telemetry)
        getimg = _getimg_client(settings, telemetry)
        stack.push_async_callback(getimg.close)
        downloader = _downloader(settings, telemetry)
        stack.push_async_callback(downloader.close)
        await data.feed.start()
        stack.push_async_callback(data.feed.stop)
        monitor = DependencyMonitor(hub, data.client)
        stack.push_async_callback(_cancel, asyncio.create_task(monitor.run(), name="monitor"))

        semaphore = WeightedFairSemaphore(settings.generation_concurrency, WEIGHTS)
        estimator = Estimator(hub, semaphore)
        generations = GenerationRepository(data.storage, telemetry.counters)
        steps = Steps(
            generate=GenerateStep(
                generations, getimg, ReferenceLoader(data.storage), semaphore, hub, _generate_policy(settings, hub)
            ),
            store=StoreStep(generations, data.storage, downloader, estimator, telemetry.counters, _limits(settings)),
        )
        pipeline = Pipeline(settings, hub, generations, semaphore, steps, telemetry)
        use_cases = _generation_use_cases(settings, data, generations, getimg, estimator, stopping)
        reporter = StatusReporter(hub, data.client, getimg, monitor, telemetry.counters)
        servicers = _servicers(settings, data, use_cases, getimg, reporter, stopping)
        if settings.admin_listen:
            await stack.enter_async_context(channelz_server(settings.admin_listen))
        server = Server(settings, servicers, telemetry, stopping=stopping)
        address = server.bind()  # before the pipeline starts: an unreachable process must not take jobs
        stack.push_async_callback(_stop, settings, server, pipeline)
        await pipeline.start()
        if not hub.durable:
            log.info("unfinished generations requeued", count=await requeue_unfinished(hub, data.storage))
        await server.start()
        yield address


def _data(settings: ServerSettings, hub: Hub, telemetry: Telemetry) -> _Data:
    client = ImageStorageClient(hub, telemetry, timeout=settings.storage_timeout_seconds)
    limits = CacheLimits(max_records=settings.cache_max_records, max_bytes=settings.cache_max_bytes)
    cache = ReadCache(client, telemetry.counters, limits)
    storage = Storage(client, cache)
    return _Data(client=client, storage=storage, feed=ChangeFeed(hub, cache), themes=ThemeCatalog(storage))


def _generation_use_cases(
    settings: ServerSettings,
    data: _Data,
    generations: GenerationRepository,
    getimg: GetimgClient,
    estimator: Estimator,
    stopping: asyncio.Event,
) -> GenerationUseCases:
    resolver = Resolver(settings, data.themes, data.storage, getimg)
    intake = Intake(data.storage, generations, getimg, estimator)
    return GenerationUseCases(
        resolver=resolver,
        intake=intake,
        revise=Reviser(settings, data.storage, data.themes, resolver, intake),
        reader=GenerationReader(generations, data.storage, data.feed, stopping),
        generations=generations,
    )


def _servicers(
    settings: ServerSettings,
    data: _Data,
    use_cases: GenerationUseCases,
    getimg: GetimgClient,
    reporter: StatusReporter,
    stopping: asyncio.Event,
) -> Servicers:
    storage, coverage = data.storage, Coverage()
    renditions = _renditions(settings, coverage, storage)
    heartbeat_seconds = settings.heartbeat_seconds
    return Servicers(
        generation=GenerationServicer(
            use_cases, getimg, heartbeat_seconds=heartbeat_seconds, max_wait_seconds=settings.rpc_max_seconds
        ),
        image=ImageServicer(
            ImageLibrary(storage),
            ContentReader(storage, renditions, max_concurrent=settings.downloads_max_concurrent),
            Uploader(storage, data.themes, max_bytes=settings.upload_max_bytes),
            ImageWatcher(storage, data.feed, stopping, heartbeat_seconds=heartbeat_seconds),
        ),
        overlay=OverlayServicer(OverlayReader(storage, coverage, renditions), OverlayEditor(storage, coverage)),
        theme=ThemeServicer(data.themes, ThemeEditor(storage)),
        status=StatusServicer(reporter),
    )


def _limits(settings: ServerSettings) -> GenerationLimits:
    return GenerationLimits(max_attempts=settings.generation_max_attempts, timeout=settings.generation_timeout_seconds)


def _generate_policy(settings: ServerSettings, hub: Hub) -> GeneratePolicy:
    return GeneratePolicy(
        # An in-memory hub serves a single process, so a lease of its predecessor ends at once.
        owner=str(uuid.uuid4()) if hub.durable else "embedded",
        lease_seconds=settings.getimg_timeout_seconds * LEASE_FACTOR,
        limits=_limits(settings),
    )


def _getimg_client(settings: ServerSettings, telemetry: Telemetry) -> GetimgClient:
    key = settings.getimg_api_key
    config = GetimgConfig(
        api_key=key.get_secret_value() if key else None,
        base_url=settings.getimg_base_url,
        timeout=settings.getimg_timeout_seconds,
        max_in_flight=settings.getimg_max_in_flight,
    )
    return GetimgClient(telemetry, config)


def _downloader(settings: ServerSettings, telemetry: Telemetry) -> Downloader:
    return Downloader(
        telemetry,
        UrlPolicy(base_url=settings.getimg_base_url, allowed_hosts=settings.getimg_download_hosts),
        max_bytes=settings.getimg_download_max_bytes,
        timeout=settings.getimg_timeout_seconds,
    )


def _renditions(settings: ServerSettings, coverage: Coverage, storage: Storage) -> Renditions:
    return Renditions(
        coverage,
        lambda content: storage.blobs.read(content.sha256, content.byte_size),
        storage.images.get,
        max_bytes=settings.renditions_max_bytes,
        concurrency=settings.renditions_concurrency,
    )


async def _stop(settings: ServerSettings, server: Server, pipeline: Pipeline) -> None:
    """Drain the server, then stop calls and jobs concurrently, within the one grace period."""
    await server.drain()
    with deadline_in(settings.shutdown_grace_seconds):
        await asyncio.gather(server.stop(), pipeline.stop())


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
