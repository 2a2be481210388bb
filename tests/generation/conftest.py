"""Use cases and steps on an in-memory hub and Storage Service, with scripted parts of GetImg.AI."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from google.protobuf.message import Message
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.generation import states
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.intake import Intake
from image_grpc.generation.repository import GenerationRepository
from image_grpc.getimg import ProviderRequest
from image_grpc.hub import Ack, Delivery, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.memory import MemoryHub
from image_grpc.messages import clone
from image_grpc.storage import CacheLimits, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import Telemetry
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore
from tests.generation.builders import picture_bytes, provider_result
from tests.generation.memory_storage import SECONDS, MemoryStorageService

CAPACITY = 4
WEIGHTS = {Priority.PRIORITY_HIGH: 6, Priority.PRIORITY_NORMAL: 3, Priority.PRIORITY_LOW: 1}


class ScriptedProvider:
    """A client of GetImg.AI with a fixed catalog that returns or raises what a test tells it to."""

    def __init__(self) -> None:
        self.configured = True
        self.models: dict[str, Model] = {}
        self.catalog_error: Exception | None = None
        self.looked_up: list[str] = []
        """Ids of the models that were looked up."""
        self.slot_error: Exception | None = None
        self.results: deque[ProviderResult | Exception] = deque()
        """Results of the next calls; a call without one returns a picture."""
        self.requests: list[ProviderRequest] = []
        self.during_call: Callable[[], Awaitable[None]] | None = None

    async def model(self, id_: str) -> Model | None:
        self.looked_up.append(id_)
        if self.catalog_error is not None:
            raise self.catalog_error
        return self.models.get(id_)

    @asynccontextmanager
    async def call_slot(self) -> AsyncIterator[Callable[[ProviderRequest], Awaitable[ProviderResult]]]:
        if self.slot_error is not None:
            raise self.slot_error
        yield self._generate

    async def _generate(self, request: ProviderRequest) -> ProviderResult:
        self.requests.append(request)
        if self.during_call is not None:
            await self.during_call()
        result = self.results.popleft() if self.results else provider_result()
        if isinstance(result, Exception):
            raise result
        return result


class ScriptedDownloader:
    """Returns or raises the next of `results`; without any, a picture."""

    def __init__(self) -> None:
        self.results: deque[bytes | Exception] = deque()
        self.urls: list[str] = []

    async def download(self, url: str) -> bytes:
        self.urls.append(url)
        result = self.results.popleft() if self.results else picture_bytes()
        if isinstance(result, Exception):
            raise result
        return result


class Database:
    """Direct access to what is stored, past the code under test."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def add(self, *messages: GenerationRecord | Image | CacheEntry) -> None:
        """Store new records."""
        unit = self._storage.unit_of_work()
        for message in messages:
            match message:
                case GenerationRecord():
                    unit.create(self._storage.generations, message)
                case Image():
                    unit.create(self._storage.images, message)
                case CacheEntry():
                    unit.create(self._storage.cache_entries, message)
        await unit.commit()

    async def add_generation(self, record: GenerationRecord) -> GenerationRecord:
        """Store a new generation and return it as stored."""
        await self.add(record)
        return await self.generation(record.generation.id)

    async def generation(self, id_: str) -> GenerationRecord:
        """Return a stored generation."""
        record = await self._storage.generations.get_latest(id_)
        assert record is not None
        return record

    async def requires(self, record: GenerationRecord, jobs: Sequence[GenerateJob | StoreJob]) -> bool:
        """Return whether the jobs are one job of a generation, with its record as it is stored."""
        return [job.generation_id for job in jobs] == [record.generation.id] and await self.has_current(jobs[0])

    async def has_current(self, job: GenerateJob | StoreJob) -> bool:
        """Return whether a job contains the record of its generation as it is stored."""
        carried, stored = clone(job.record), await self.generation(job.generation_id)
        for record in (carried, stored):
            for time_ in ("create_time", "update_time"):  # the Storage Service assigns them later
                record.generation.ClearField(time_)
        return carried == stored

    async def touch(self, id_: str) -> GenerationRecord:
        """Store a new version of a generation without changes, as a concurrent writer would, and return it."""
        record = await self.generation(id_)
        unit = self._storage.unit_of_work()
        unit.update(self._storage.generations, record, record.generation.version)
        await unit.commit()
        return await self.generation(id_)

    async def cancel(self, id_: str) -> None:
        """Store a generation as cancelled."""
        unit = self._storage.unit_of_work()
        record = await self.generation(id_)
        unit.update(self._storage.generations, states.cancelled(record), record.generation.version)
        await unit.commit()

    async def cache_entry(self, fingerprint: str) -> CacheEntry | None:
        """Return a stored cache entry."""
        return await self._storage.cache_entries.get_latest(fingerprint)

    async def image(self, id_: str) -> Image | None:
        """Return a stored image."""
        return await self._storage.images.get_latest(id_)

    async def delete_image(self, id_: str) -> None:
        """Delete an image."""
        unit = self._storage.unit_of_work()
        unit.delete(self._storage.images, id_)
        await unit.commit()


class Jobs:
    """Takes jobs off the queues of the pipeline."""

    def __init__(self, hub: MemoryHub) -> None:
        self._hub = hub

    async def count(self, queue: str) -> int:
        """Return the number of waiting jobs."""
        return await self._hub.depth(queue)

    async def take(self, queue: str, message: type[Message]) -> list[Message]:
        """Remove the waiting jobs from a queue and return their payloads."""
        count, taken = await self.count(queue), []

        async def handle(delivery: Delivery) -> Settlement:
            taken.append(envelopes.payload(delivery.envelope, message))
            return Ack()

        consumer = await self._hub.consume(queue, handle, concurrency=1)
        end = time.monotonic() + SECONDS
        while len(taken) < count and time.monotonic() < end:  # noqa: ASYNC110 (the hub has no such event)
            await asyncio.sleep(0)
        await consumer.stop(grace=1)
        return taken


@pytest.fixture
async def hub() -> AsyncIterator[MemoryHub]:
    hub = MemoryHub()
    await hub.start()
    yield hub
    await hub.close()


@pytest.fixture
async def storage_service(hub: MemoryHub) -> AsyncIterator[MemoryStorageService]:
    service = MemoryStorageService(hub)
    consumer = await hub.consume(topology.STORAGE_QUEUE, service.handle, concurrency=100)
    yield service
    await consumer.stop(grace=SECONDS)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def cache(client: ImageStorageClient, telemetry: Telemetry) -> ReadCache:
    return ReadCache(client, telemetry.counters, CacheLimits(max_records=1000, max_bytes=10_000_000))


@pytest.fixture
def client(hub: MemoryHub, telemetry: Telemetry, storage_service: MemoryStorageService) -> ImageStorageClient:
    return ImageStorageClient(hub, telemetry, timeout=SECONDS)


@pytest.fixture
def storage(client: ImageStorageClient, cache: ReadCache) -> Storage:
    return Storage(client, cache)


@pytest.fixture
def database(client: ImageStorageClient, telemetry: Telemetry) -> Database:
    """Through a cache of its own, as another process would."""
    cache = ReadCache(client, telemetry.counters, CacheLimits(max_records=1, max_bytes=1))
    return Database(Storage(client, cache))


@pytest.fixture
def generations(storage: Storage, telemetry: Telemetry) -> GenerationRepository:
    return GenerationRepository(storage, telemetry.counters)


@pytest.fixture
def semaphore() -> WeightedFairSemaphore[Priority]:
    return WeightedFairSemaphore(CAPACITY, WEIGHTS)


@pytest.fixture
def estimator(hub: MemoryHub, semaphore: WeightedFairSemaphore[Priority]) -> Estimator:
    return Estimator(hub, semaphore)


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def downloader() -> ScriptedDownloader:
    return ScriptedDownloader()


@pytest.fixture
def intake(
    storage: Storage, generations: GenerationRepository, provider: ScriptedProvider, estimator: Estimator
) -> Intake:
    return Intake(storage, generations, provider, estimator)


@pytest.fixture
def jobs(hub: MemoryHub) -> Jobs:
    return Jobs(hub)
