"""Parts of blobs in the read cache."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.storage.v1.storage_pb2 import RetrieveRequest

from image_grpc.errors import StorageServiceError
from image_grpc.storage import RecordNotFound
from image_grpc_testkit.contracts.records import MEBIBYTE, name_of, some_bytes
from tests.storage.fake_service import Bench


async def test_a_part_is_read_once(bench: Bench) -> None:
    data = some_bytes(MEBIBYTE + 10)
    bench.service.put_blob(name_of(data), data)
    for _ in range(2):
        assert await bench.cache.part(name_of(data), 0) == data[:MEBIBYTE]
        assert await bench.cache.part(name_of(data), 1) == data[MEBIBYTE:]
    assert [type(request) for request in bench.service.requests] == [RetrieveRequest] * 2
    assert (bench.telemetry.counters.cache_hits, bench.telemetry.counters.cache_misses) == (2, 2)


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (MEBIBYTE, 1), (MEBIBYTE + 1, 2), (2 * MEBIBYTE, 2)])
async def test_a_blob_is_read_in_as_few_parts_as_possible(bench: Bench, size: int, parts: int) -> None:
    data = some_bytes(size)
    bench.service.put_blob(name_of(data), data)
    assert await bench.cache.blob(name_of(data), size) == data
    assert len(bench.service.requests) == parts


async def test_a_missing_blob_is_not_found(bench: Bench) -> None:
    with pytest.raises(RecordNotFound):
        await bench.cache.blob(name_of(some_bytes()), 1)


async def test_concurrent_reads_of_a_part_share_one_retrieval(bench: Bench) -> None:
    data = some_bytes()
    bench.service.put_blob(name_of(data), data)
    parts = await asyncio.gather(*(bench.cache.part(name_of(data), 0) for _ in range(20)))
    assert parts == [data] * 20
    assert len(bench.service.requests) == 1


async def test_parts_stay_within_the_memory_limit(bench: Bench) -> None:
    cache = bench.new_cache(max_bytes=2500)
    blobs = [some_bytes(1000) for _ in range(3)]
    too_large = some_bytes(2501)
    for data in (*blobs, too_large):
        bench.service.put_blob(name_of(data), data)
        assert await cache.part(name_of(data), 0) == data
    count = len(bench.service.requests)
    for data in blobs[1:]:
        await cache.part(name_of(data), 0)
    assert len(bench.service.requests) == count  # both are still cached
    for data in (blobs[0], too_large):
        await cache.part(name_of(data), 0)
    assert len(bench.service.requests) == count + 2


async def test_a_part_of_exactly_the_limit_is_cached(bench: Bench) -> None:
    cache, data = bench.new_cache(max_bytes=1000), some_bytes(1000)
    bench.service.put_blob(name_of(data), data)
    for _ in range(2):
        await cache.part(name_of(data), 0)
    assert len(bench.service.requests) == 1


async def test_a_failed_read_of_a_part_is_not_cached(bench: Bench) -> None:
    data = some_bytes()
    bench.service.put_blob(name_of(data), data)
    bench.service.error_code = "STORAGE_SERVICE_ERROR"
    with pytest.raises(StorageServiceError):
        await bench.cache.part(name_of(data), 0)
    bench.service.error_code = ""
    assert await bench.cache.part(name_of(data), 0) == data
