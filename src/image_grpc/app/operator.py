"""Work on what is stored, for an operator, through the Message Hub."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from image_grpc.app.hub import require_broker, run_hub
from image_grpc.generation import costs
from image_grpc.generation.costs import DailyCosts
from image_grpc.generation.requeue import requeue_selected
from image_grpc.getimg import GetimgClient, GetimgConfig
from image_grpc.settings import ProgramSettings, ServerSettings
from image_grpc.storage import CacheLimits, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import Telemetry

TIMEOUT_SECONDS = 30.0


async def requeue_generations(settings: ProgramSettings, ids: Collection[str], *, idle_for: timedelta) -> int:
    """Queue the jobs of generations again and return their number; see `requeue_selected`."""
    async with _storage(settings, Telemetry()) as storage:
        return await requeue_selected(storage, ids, idle_for=idle_for)


async def compare_costs(settings: ServerSettings, days: int) -> Sequence[DailyCosts]:
    """Return what GetImg.AI reports and what was recorded for the last days up to today, oldest first."""
    telemetry, today = Telemetry(), datetime.now(UTC).date()
    async with AsyncExitStack() as stack:
        client = GetimgClient(telemetry, GetimgConfig.of(settings))
        stack.push_async_callback(client.close)
        storage = await stack.enter_async_context(_storage(settings, telemetry))
        return await costs.compare_costs(storage, client, today - timedelta(days=days - 1), today)


@asynccontextmanager
async def _storage(settings: ProgramSettings, telemetry: Telemetry) -> AsyncIterator[Storage]:
    """Connect to the Storage Service within the block."""
    require_broker(settings)
    async with run_hub(settings) as hub:
        client = ImageStorageClient(hub, telemetry, timeout=TIMEOUT_SECONDS)
        yield Storage(client, ReadCache(client, telemetry.counters, CacheLimits(max_records=1, max_bytes=1)))
