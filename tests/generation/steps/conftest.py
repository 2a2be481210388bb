"""Both steps of the pipeline on a scripted GetImg.AI."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import CacheMode, Priority

from image_grpc.generation import states
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.steps import generate
from image_grpc.generation.steps.fetching import PictureFetcher
from image_grpc.generation.steps.generate import GeneratePolicy, GenerateStep
from image_grpc.generation.steps.references import ReferenceLoader
from image_grpc.generation.steps.store import StoreStep
from image_grpc.hub import Outcome, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.pictures.credentials import Unsigned
from image_grpc.quotas import LimitsFile
from image_grpc.retry import GenerationLimits
from image_grpc.storage import Storage
from image_grpc.telemetry import Telemetry
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore
from tests.generation.builders import portrait, provider_result, queued, stored_image
from tests.generation.conftest import Database, ScriptedDownloader, ScriptedProvider


@pytest.fixture
def store_step(
    generations: GenerationRepository,
    storage: Storage,
    downloader: ScriptedDownloader,
    estimator: Estimator,
    telemetry: Telemetry,
) -> StoreStep:
    return StoreStep(
        generations, storage, PictureFetcher(downloader, Unsigned()), estimator, telemetry.counters, LIMITS
    )  # type: ignore[arg-type]


OWNER = "this-process"
LIMITS = GenerationLimits(max_attempts=3, timeout=600)


class Outcomes:
    """What the hub returns for the next publications; then it confirms them."""

    def __init__(self, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> None:
        self._publish = hub.publish
        self.next: deque[Outcome] = deque()
        self.attempts = 0
        monkeypatch.setattr(hub, "publish", self.publish)

    async def publish(self, message: OutboundMessage, **options: float) -> Outcome:
        if message.routing_key != topology.STORE_QUEUE:
            return await self._publish(message, **options)
        self.attempts += 1
        if self.next:
            return self.next.popleft()
        return await self._publish(message, **options)


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "HOLD_SECONDS", 0.01)


@pytest.fixture
def outcomes(hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    return Outcomes(hub, monkeypatch)


@pytest.fixture
def generate_step(
    generations: GenerationRepository,
    provider: ScriptedProvider,
    storage: Storage,
    semaphore: WeightedFairSemaphore[Priority],
    hub: MemoryHub,
) -> GenerateStep:
    policy = GeneratePolicy(owner=OWNER, lease_seconds=90, limits=LIMITS, caller_limits=LimitsFile(None))
    return GenerateStep(generations, provider, ReferenceLoader(storage), semaphore, hub, policy)  # type: ignore[arg-type]


@pytest.fixture
async def record(database: Database) -> GenerationRecord:
    """A queued generation, as stored."""
    return await database.add_generation(queued())


def leased(record: GenerationRecord, *, owner: str, seconds: float = 90.0, attempts: int = 1) -> GenerationRecord:
    """Return a generation that a process was working on."""
    record = states.generating(record, owner=owner, lease_seconds=seconds)
    record.generation.attempts = attempts
    return record


@pytest_asyncio.fixture
async def events(hub: MemoryHub) -> AsyncIterator[list[Envelope]]:
    received: list[Envelope] = []
    subscription = await hub.subscribe(
        ["image.generated", "theme.applied"], lambda delivery: received.append(delivery.envelope), on_gap=lambda: None
    )
    yield received
    await subscription.stop(grace=1)


def generated(new: GenerationRecord, *, attempts: int = 1, expired: bool = False, age: float = 0) -> GenerationRecord:
    """Return the record of a generation whose picture GetImg.AI has generated."""
    record = states.generating(new, owner="me", lease_seconds=90)
    record.generation.attempts = attempts
    result = provider_result()
    result.generate_time.FromMilliseconds(int((time.time() - age) * 1000))
    if expired:
        result.expire_time.FromSeconds(int(time.time()) - 1)
    return states.storing(record, result)


async def run(store_step: StoreStep, record: GenerationRecord, attempt: int = 1) -> Any:
    return await store_step(record, record.provider_result, attempt)


async def revision(database: Database, **fields: Any) -> tuple[Image, GenerationRecord]:
    """Store an image and the generation of its second version."""
    image = stored_image(overlays=[], **fields)
    await database.add(image)
    record = queued(portrait(cache=CacheMode.CACHE_MODE_BYPASS))
    record.picture.CopyFrom(record.generation.request)
    record.generation.request.regenerate_image.image_id = image.id
    record.image_id = image.id
    return image, await database.add_generation(generated(record))
