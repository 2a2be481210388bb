"""Changes of counters on behalf of the process, not of the call that led to them."""

import asyncio

from tabletop.storage.v1.storage_pb2 import CounterChange, CounterResult

from image_grpc.origin import Origin, work_of
from image_grpc.storage import ImageStorageClient

LEASE_SECONDS = 1.0
"""Longest wait for the Storage Service. Without it, a replica counts its own calls."""
KEPT_SECONDS = 60
"""Counters of calls are kept for this time after the period that they count."""


async def count(client: ImageStorageClient, *changes: CounterChange) -> list[CounterResult]:
    """Change counters and return the results. Raises LimitExceeded, ServiceError, TimeoutError.

    The call itself may still be refused by the Storage Service.
    """
    with work_of(Origin.ACCEPTED):
        async with asyncio.timeout(LEASE_SECONDS):
            return await client.count(*changes)
