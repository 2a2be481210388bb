"""The gRPC server and its generation pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from google.protobuf.message import Message
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.record_pb2 import RecordKind

from image_grpc.deadline import deadline_in
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
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.renditions import Renditions
from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.interceptors import Check
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.server import Server, Servicers
from image_grpc.rpc.service_status import Monitor, StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc.settings import ServerSettings
from image_grpc.side_ports import channelz_port
from image_grpc.storage import ChangeFeed, ImageStorageClient, ReadCache
from image_grpc.telemetry import Telemetry

log = structlog.get_logger(__name__)

WEIGHTS = {Priority.PRIORITY_HIGH: 6, Priority.PRIORITY_NORMAL: 3, Priority.PRIORITY_LOW: 1}
"""Relative number of turns of each priority while all of them are waiting."""


@asynccontextmanager
async def run_server(settings: ServerSettings, hub: Hub, telemetry: Telemetry) -> AsyncIterator[str]:
    """Within the block, the server accepts calls and its pipeline processes jobs. Yields its address.

    Raises OSError if an address cannot be bound.
    """
    async with AsyncExitStack() as stack:
        stopping = asyncio.Event()
        storage = ImageStorageClient(hub, telemetry, timeout=settings.storage_timeout_seconds)
        cache = _read_cache(settings, storage, telemetry)
        feed = ChangeFeed(hub, cache)
        getimg = _getimg_client(settings, telemetry)
        stack.push_async_callback(getimg.close)
        downloader = _downloader(settings, telemetry)
        stack.push_async_callback(downloader.close)
        await feed.start()
        stack.push_async_callback(feed.stop)
        monitor = Monitor(hub, storage)
        stack.push_async_callback(_cancel, asyncio.create_task(monitor.run(), name="monitor"))

        gate = WeightedGate(settings.generation_concurrency, WEIGHTS)
        estimator = Estimator(hub, gate)
        themes = Themes(storage, cache)
        coverage = Coverage()
        renditions = _renditions(settings, coverage, cache)
        submitter = Submitter(settings, storage, cache, themes, getimg, estimator)
        reader = GenerationReader(storage, cache, feed, stopping)
        # An in-memory hub serves a single process, so a lease of its predecessor ends at once.
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
        address = server.bind()  # before the pipeline starts: an unreachable process must not take jobs
        stack.push_async_callback(_stop, settings, server, pipeline)
        await pipeline.start()
        if not hub.durable:
            log.info("unfinished generations resumed", count=await hand_out_again(hub, storage))
        await server.start()
        yield address


def _read_cache(settings: ServerSettings, storage: ImageStorageClient, telemetry: Telemetry) -> ReadCache:
    return ReadCache(
        storage,
        telemetry.counters,
        max_records=settings.cache_max_records,
        max_bytes=settings.cache_max_bytes,
        timeout=settings.storage_timeout_seconds,
    )


def _getimg_client(settings: ServerSettings, telemetry: Telemetry) -> GetimgClient:
    key = settings.getimg_api_key
    return GetimgClient(
        telemetry,
        api_key=key.get_secret_value() if key else None,
        base_url=settings.getimg_base_url,
        timeout=settings.getimg_timeout_seconds,
        max_in_flight=settings.getimg_max_in_flight,
    )


def _downloader(settings: ServerSettings, telemetry: Telemetry) -> Downloader:
    return Downloader(
        telemetry,
        base_url=settings.getimg_base_url,
        allowed_hosts=settings.getimg_download_hosts,
        max_bytes=settings.getimg_download_max_bytes,
        timeout=settings.getimg_timeout_seconds,
    )


def _renditions(settings: ServerSettings, coverage: Coverage, cache: ReadCache) -> Renditions:
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


async def _stop(settings: ServerSettings, server: Server, pipeline: Pipeline) -> None:
    """Drain the server, then stop calls and jobs concurrently, within the one grace period."""
    await server.drain()
    with deadline_in(settings.shutdown_grace_seconds):
        await asyncio.gather(server.stop(), pipeline.stop())


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
