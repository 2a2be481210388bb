"""The hit rate of the read cache for a skewed load, beside the best possible cache of the same size.

Reads are distributed by Zipf's law with exponent 1 over the records, and independently over the pictures, which have
the same size. The limits are the defaults. Hits are counted after a warm-up as long as what is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import Record, RecordKey

from benchmarks import optimal_cache
from benchmarks.report import Row
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import ServerSettings
from image_grpc.storage import ImageStorageClient
from image_grpc.storage.blobs import PART_BYTES, BlobClient
from image_grpc.storage.codecs import IMAGES
from image_grpc.storage.read_cache import CacheLimits, ReadCache
from image_grpc.telemetry import Telemetry
from image_grpc.telemetry_counters import Counters

RECORDS, PICTURES = 100_000, 10_000
RECORD_READS, PICTURE_READS = 400_000, 200_000
"""Reads that are counted."""
PICTURE_BYTES = {"1 MiB": PART_BYTES, "50 kB": 50_000}
"""Sizes of pictures; each has one part."""
SEED = 1
TARGET = ">= 0.9, > 90 % of reads"


async def measure(folder: Path) -> list[Row]:
    """Replay the same reads through the read cache and through the best possible one."""
    settings = ServerSettings.model_construct()
    limits = CacheLimits(max_records=settings.cache_max_records, max_bytes=settings.cache_max_bytes)
    results = [await _records(limits)]
    for size, byte_size in PICTURE_BYTES.items():
        pictures = await _pictures(limits, size, byte_size)
        results += [pictures, _both(results[0], pictures, size)]
    return [result.row() for result in results]


async def _records(limits: CacheLimits) -> Result:
    client, counters = _InstantClient(b""), Counters()
    cache = ReadCache(client, counters, limits)

    async def read(number: int) -> None:
        await cache.record(client.images, str(number))

    return await _replay("records", RECORDS, RECORD_READS, limits.max_records, read, counters)


async def _pictures(limits: CacheLimits, size: str, byte_size: int) -> Result:
    counters = Counters()
    cache = ReadCache(_InstantClient(bytes(byte_size)), counters, limits)

    async def read(number: int) -> None:
        await cache.part(f"{number:064x}", 0)

    return await _replay(f"pictures of {size}", PICTURES, PICTURE_READS, limits.max_bytes // byte_size, read, counters)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Shares of the reads that each cache served, 0 to 1."""

    name: str
    ours: float
    best: float

    def row(self) -> Row:
        """Return the row for it."""
        return Row(
            name=f"hit rate, {self.name}, beside the best possible",
            ours=f"{self.ours:.1%}",
            floor=f"{self.best:.1%}",
            ratio=f"{self.ours / self.best:.3f}",
            target=TARGET,
        )


async def _replay(
    name: str, count: int, reads: int, capacity: int, read: Callable[[int], Awaitable[None]], counters: Counters
) -> Result:
    keys = _zipf(count, 2 * reads)
    for key in keys[:reads]:
        await read(key)
    before = counters.cache_hits
    for key in keys[reads:]:
        await read(key)
    best = await asyncio.to_thread(optimal_cache.hits, keys, capacity, start=reads)
    return Result(
        name=f"Zipf 1.0 over {count:,} {name}, {capacity:,} cached",
        ours=(counters.cache_hits - before) / reads,
        best=best / reads,
    )


def _both(records: Result, pictures: Result, size: str) -> Result:
    """Return the result for a load that reads a record and then its picture."""
    ours, best = (records.ours + pictures.ours) / 2, (records.best + pictures.best) / 2
    return Result(name=f"records and pictures of {size} by turns", ours=ours, best=best)


def _zipf(count: int, reads: int) -> Sequence[int]:
    """Return the same sequence of reads each time."""
    weights = 1 / np.arange(1, count + 1)
    keys: list[int] = np.random.default_rng(SEED).choice(count, size=reads, p=weights / weights.sum()).tolist()
    return keys


class _InstantClient(ImageStorageClient):
    """A Storage Service that has everything at once. All pictures are the same object, however many are cached."""

    def __init__(self, picture: bytes) -> None:
        super().__init__(MemoryHub(), Telemetry(), timeout=10)
        self.blobs = _InstantBlobs(self, picture)
        self._record = IMAGES.encode(Image(id="1"))

    async def retrieve(self, keys: Sequence[RecordKey], *, include_deleted: bool = False) -> list[Record]:
        return [self._record]


class _InstantBlobs(BlobClient):
    def __init__(self, client: ImageStorageClient, picture: bytes) -> None:
        super().__init__(client)
        self._picture = picture

    async def read(self, sha256: str, offset: int, limit: int) -> bytes:
        return self._picture
