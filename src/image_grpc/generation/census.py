"""How many generations are unfinished, by state."""

import asyncio
from collections.abc import Mapping

import structlog
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc.errors import ServiceError
from image_grpc.generation import states
from image_grpc.storage import ImageStorageClient
from image_grpc.storage.filters import state_labels

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 10.0


class GenerationCensus:
    """Counts the unfinished generations of all processes periodically. Each count reads an index only."""

    def __init__(self, storage: ImageStorageClient) -> None:
        self._generations = storage.generations
        self.counts: Mapping[str, int] = {}
        """The latest counts by state, each up to 10,000; empty before the first."""

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)  # first: a process that starts has more urgent work
            try:
                await self.count()
            except ServiceError as failure:
                log.warning("generations not counted", problem=failure.message)
            except Exception:  # the next count may succeed
                log.exception("generations not counted")

    async def count(self) -> None:
        """Count once. Raises ServiceError."""
        labels = state_labels(states.UNFINISHED)
        self.counts = {label: await self._generations.count(ListFilter(states=[label])) for label in labels}
