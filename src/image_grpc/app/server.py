"""The gRPC server and its generation pipeline."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from tabletop.image.v1.types_pb2 import Priority

from image_grpc import page_tokens, pictures
from image_grpc.admin_servers import channelz_server, health_server
from image_grpc.app.signing import picture_signer
from image_grpc.audit import AuditReader, FailedCalls
from image_grpc.background import background
from image_grpc.deadline import deadline_in
from image_grpc.endpoint import Endpoint
from image_grpc.generation import GenerationUseCases
from image_grpc.generation.census import GenerationCensus
from image_grpc.generation.costs import CostReconciler
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.intake import Intake
from image_grpc.generation.pipeline import Pipeline, Steps
from image_grpc.generation.reader import GenerationReader
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requeue import StalledGenerations, requeue_unfinished
from image_grpc.generation.resolve import Resolver
from image_grpc.generation.revise import Reviser
from image_grpc.generation.steps.fetching import PictureFetcher
from image_grpc.generation.steps.generate import LEASE_FACTOR, GeneratePolicy, GenerateStep
from image_grpc.generation.steps.references import ReferenceLoader
from image_grpc.generation.steps.store import StoreStep
from image_grpc.getimg import BalanceMonitor, Downloader, GetimgClient, GetimgConfig, UrlPolicy
from image_grpc.hub import Hub
from image_grpc.images import (
    ContentReader,
    ImageLibrary,
    ImageWatcher,
    MapEditor,
    MapLevels,
    MapVision,
    SceneExporter,
    Uploader,
)
from image_grpc.maps import fonts
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.rendition_cache import RenditionCache
from image_grpc.maps.renditions import Renditions
from image_grpc.overlays import OverlayEditor, OverlayReader
from image_grpc.pictures.credentials import Unsigned
from image_grpc.plans.planner import FloorPlanner
from image_grpc.quotas import CallerQuotas, LimitsFile
from image_grpc.retry import GenerationLimits
from image_grpc.rpc import audit, floor_plan, generation, image, overlay, status, theme
from image_grpc.rpc import map as map_
from image_grpc.rpc.server import Guards, Server, Servicers
from image_grpc.service_status import DependencyMonitor, StatusReporter
from image_grpc.settings import ServerSettings
from image_grpc.storage import CacheLimits, ChangeFeed, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import (
    Telemetry,
    observe_balance,
    observe_circuit,
    observe_cost_difference,
    observe_dependencies,
    observe_generations,
    observe_missing_consumers,
    observe_queues,
)
from image_grpc.themes import ThemeCatalog, ThemeEditor
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore

log = structlog.get_logger(__name__)

WEIGHTS = {Priority.PRIORITY_HIGH: 6, Priority.PRIORITY_NORMAL: 3, Priority.PRIORITY_LOW: 1}
"""Relative number of turns of each priority while all of them are waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """Where a server listens."""

    address: str
    """For everybody, `host:port`."""
    for_bridge: Endpoint
    """For the bridge in this process."""


@asynccontextmanager
async def run_server(settings: ServerSettings, hub: Hub, telemetry: Telemetry) -> AsyncIterator[Listening]:
    """Within the block, the server accepts calls and its pipeline processes jobs.

    Raises InvalidSettings, OSError if an address cannot be bound.
    """
    page_tokens.configure(settings.page_token_key.get_secret_value())
    pictures.configure()
    fonts.configure(settings.fonts_dir)
    signer = picture_signer(settings)
    stopping = asyncio.Event()
    client = ImageStorageClient(hub, telemetry, timeout=settings.storage_timeout_seconds)
    cache_limits = CacheLimits(max_records=settings.cache_max_records, max_bytes=settings.cache_max_bytes)
    cache = ReadCache(client, telemetry.counters, cache_limits)
    audit_days = settings.audit_retention_days if settings.authenticates else 0
    storage = Storage(client, cache, audit_days=audit_days)
    feed = ChangeFeed(hub, cache)
    themes, coverage = ThemeCatalog(storage), Coverage()
    getimg_config = GetimgConfig.of(settings)
    getimg = GetimgClient(telemetry, getimg_config)
    billing = GetimgClient(telemetry, getimg_config)
    balance = BalanceMonitor(billing, low=settings.getimg_low_balance)
    reconciler = CostReconciler(storage, client, billing)
    downloader = Downloader(
        telemetry,
        UrlPolicy(base_url=settings.getimg_base_url, allowed_hosts=settings.getimg_download_hosts),
        max_bytes=settings.getimg_download_max_bytes,
        timeout=settings.getimg_timeout_seconds,
    )
    fetcher = PictureFetcher(downloader, signer)

    caller_limits = LimitsFile(settings.limits_file)
    generations = GenerationRepository(storage, telemetry.counters)
    semaphore = WeightedFairSemaphore(settings.generation_concurrency, WEIGHTS)
    estimator = Estimator(hub, semaphore)
    limits = GenerationLimits(
        max_attempts=settings.generation_max_attempts, timeout=settings.generation_timeout_seconds
    )
    policy = GeneratePolicy(
        # An in-memory hub serves a single process, so a lease of its predecessor ends at once.
        owner=str(uuid.uuid4()) if hub.durable else "embedded",
        lease_seconds=settings.getimg_timeout_seconds * LEASE_FACTOR,
        limits=limits,
        caller_limits=caller_limits,
    )
    steps = Steps(
        generate=GenerateStep(generations, getimg, ReferenceLoader(storage), semaphore, hub, policy),
        store=StoreStep(generations, storage, fetcher, estimator, telemetry.counters, limits),
    )
    pipeline = Pipeline(settings, hub, generations, semaphore, steps, telemetry)

    resolver = Resolver(settings, themes, storage, getimg)
    intake = Intake(storage, generations, getimg, estimator)
    use_cases = GenerationUseCases(
        resolver=resolver,
        intake=intake,
        reviser=Reviser(settings, storage, themes, resolver, intake),
        reader=GenerationReader(generations, storage, feed, stopping),
        generations=generations,
    )
    renditions = Renditions(
        coverage,
        lambda content: storage.blobs.read(content.sha256, content.byte_size),
        storage.images.get,
        signer,
        RenditionCache(
            # Without signatures, equal renditions have equal bytes in every process.
            None if isinstance(signer, Unsigned) else storage.renditions,
            max_bytes=settings.renditions_max_bytes,
            concurrency=settings.renditions_concurrency,
        ),
    )
    monitor, census = DependencyMonitor(hub, client), GenerationCensus(client)
    reporter = StatusReporter(hub, client, getimg, monitor, telemetry.counters, balance)
    observe_balance(lambda: balance.balance)
    observe_cost_difference(lambda: reconciler.difference)
    observe_queues(lambda: monitor.depths)
    observe_missing_consumers(lambda: monitor.missing_consumers)
    observe_generations(lambda: census.counts)
    observe_dependencies(reporter.problems)
    observe_circuit(lambda: getimg.is_suspended)
    servicers = Servicers(
        generation=generation.GenerationServicer(
            use_cases, getimg, heartbeat_seconds=settings.heartbeat_seconds, max_wait_seconds=settings.rpc_max_seconds
        ),
        image=image.ImageServicer(
            ImageLibrary(storage),
            ContentReader(storage, renditions),
            Uploader(storage, themes, signer, max_bytes=settings.upload_max_bytes),
            ImageWatcher(storage, feed, stopping, heartbeat_seconds=settings.heartbeat_seconds),
            max_uploads=settings.uploads_max_concurrent,
            max_downloads=settings.downloads_max_concurrent,
        ),
        map=map_.MapServicer(
            MapEditor(storage), MapLevels(storage), MapVision(storage), SceneExporter(storage, signer)
        ),
        floor_plan=floor_plan.FloorPlanServicer(FloorPlanner(max_bytes=settings.upload_max_bytes)),
        overlay=overlay.OverlayServicer(OverlayReader(storage, coverage, renditions), OverlayEditor(storage, coverage)),
        theme=theme.ThemeServicer(themes, ThemeEditor(storage)),
        status=status.StatusServicer(reporter),
        audit=audit.AuditServicer(AuditReader(storage)),
    )
    failed_calls = FailedCalls(storage, telemetry.counters) if audit_days else None
    guards = Guards(quotas=CallerQuotas(caller_limits, client), failed_calls=failed_calls)
    server = Server(settings, servicers, guards, telemetry, stopping=stopping)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(getimg.close)
        stack.push_async_callback(billing.close)
        stack.push_async_callback(downloader.close)
        await feed.start()
        stack.push_async_callback(feed.stop)
        await stack.enter_async_context(background(monitor.run(), name="monitor"))
        await stack.enter_async_context(background(census.run(), name="census"))
        await stack.enter_async_context(background(balance.run(), name="balance"))
        await stack.enter_async_context(background(reconciler.run(), name="costs"))
        if settings.limits_file is not None:
            await stack.enter_async_context(background(guards.quotas.run(), name="concurrent calls"))
        if failed_calls is not None:
            await stack.enter_async_context(background(failed_calls.run(), name="audit"))
        if settings.admin_listen:
            await stack.enter_async_context(channelz_server(settings.admin_listen, shared=settings.listen_shared))
        if settings.health_listen:
            health = health_server(settings.health_listen, servicers.status.is_ready, shared=settings.listen_shared)
            await stack.enter_async_context(health)
        address = server.bind()  # before the pipeline starts: an unreachable process must not take jobs
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="image-grpc-")))
        listening = Listening(address=address, for_bridge=server.bind_for_bridge(folder))
        stack.push_async_callback(_stop, settings, server, pipeline)
        await pipeline.start()
        if not hub.durable:
            log.info("unfinished generations requeued", count=await requeue_unfinished(hub, storage))
        stalled = StalledGenerations(
            hub,
            storage,
            getimg,
            telemetry.counters,
            stalled_after=settings.stalled_after_seconds,
            capacity=settings.generation_concurrency,
        )
        await stack.enter_async_context(background(stalled.run(), name="stalled generations"))
        await server.start()
        yield listening


async def _stop(settings: ServerSettings, server: Server, pipeline: Pipeline) -> None:
    """Drain the server, then stop calls and jobs concurrently, within the one grace period."""
    await server.drain()
    with deadline_in(settings.shutdown_grace_seconds):
        await asyncio.gather(server.stop(), pipeline.stop())
