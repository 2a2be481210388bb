"""Work on what is stored, for an operator, through the Message Hub."""

from collections.abc import Collection
from datetime import timedelta

from image_grpc.app.hub import require_broker, run_hub
from image_grpc.generation.requeue import requeue_selected
from image_grpc.settings import ProgramSettings
from image_grpc.storage import CacheLimits, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import Telemetry

TIMEOUT_SECONDS = 30.0


async def requeue_generations(settings: ProgramSettings, ids: Collection[str], *, idle_for: timedelta) -> int:
    """Queue the jobs of generations again and return their number; see `requeue_selected`."""
    require_broker(settings)
    telemetry = Telemetry()
    async with run_hub(settings) as hub:
        client = ImageStorageClient(hub, telemetry, timeout=TIMEOUT_SECONDS)
        cache = ReadCache(client, telemetry.counters, CacheLimits(max_records=1, max_bytes=1))
        return await requeue_selected(Storage(client, cache), ids, idle_for=idle_for)
