"""Counters: added to within limits, together with the records of a batch, and gone once they expire."""

from __future__ import annotations

import asyncio
import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.storage.v1.storage_pb2 import CounterChange

from image_grpc.errors import InvalidArgument, VersionConflict
from image_grpc.storage import LimitExceeded
from image_grpc_testkit.contracts.records import an_image, new_id
from image_grpc_testkit.contracts.storage_testkit import Storage


def change(
    name: str, add: int, *, seconds: float = 3600, maximum: int | None = None, partial: bool = False
) -> CounterChange:
    """Return a change of a counter that expires in `seconds`."""
    expire_time = Timestamp()
    expire_time.FromMilliseconds(int((time.time() + seconds) * 1000))
    return CounterChange(name=name, add=add, maximum=maximum, partial=partial, expire_time=expire_time)


async def value_of(storage: Storage, name: str) -> int:
    """Return the value of a counter."""
    [result] = await storage.client.count(change(name, 0))
    return result.value


class CountersContract:
    """The suite."""

    async def test_a_counter_begins_at_zero_and_goes_up_and_down(self, storage: Storage) -> None:
        name, values = new_id(), []
        for add in (5, -7, 2**40):
            [result] = await storage.client.count(change(name, add))
            assert result.added == add
            values.append(result.value)
        assert values == [5, -2, 2**40 - 2]

    async def test_a_change_beyond_the_maximum_fails_and_changes_nothing(self, storage: Storage) -> None:
        name, other = new_id(), new_id()
        await storage.client.count(change(name, 7, maximum=10))
        with pytest.raises(LimitExceeded, match="7") as refused:
            await storage.client.count(change(other, 1), change(name, 4, maximum=10))
        assert refused.value.field == "batch.counters[1]"
        assert (await value_of(storage, name), await value_of(storage, other)) == (7, 0)
        await storage.client.count(change(name, 3, maximum=10))
        await storage.client.count(change(name, -20, maximum=10))

    async def test_a_partial_change_adds_what_is_left(self, storage: Storage) -> None:
        name, added = new_id(), []
        for _ in range(3):
            [result] = await storage.client.count(change(name, 7, maximum=10, partial=True))
            added.append(result.added)
        assert added == [7, 3, 0]
        assert await value_of(storage, name) == 10

    async def test_a_batch_changes_records_and_counters_or_neither(self, storage: Storage) -> None:
        images, name = storage.client.images, new_id()
        kept, refused = an_image(), an_image()
        await storage.client.store([images.put(kept)], counters=[change(name, 1, maximum=1)])
        with pytest.raises(LimitExceeded):
            await storage.client.store([images.put(refused)], counters=[change(name, 1, maximum=1)])
        assert await images.retrieve(refused.id) is None
        with pytest.raises(VersionConflict):
            await storage.client.store([images.put_if_absent(kept)], counters=[change(name, 1)])
        assert await value_of(storage, name) == 1

    async def test_a_repeated_batch_counts_once(self, storage: Storage) -> None:
        name, id_ = new_id(), new_id()
        put, counted = storage.client.images.put(an_image()), change(name, 3)
        for _ in range(3):
            await storage.client.store([put], counters=[counted], storage_correlation_id=id_)
        assert await value_of(storage, name) == 3

    async def test_concurrent_batches_never_exceed_a_maximum(self, storage: Storage) -> None:
        name = new_id()
        results = await asyncio.gather(
            *(storage.client.count(change(name, 3, maximum=100)) for _ in range(60)), return_exceptions=True
        )
        assert sum(not isinstance(result, BaseException) for result in results) == 33
        assert all(isinstance(result, LimitExceeded | list) for result in results)
        assert await value_of(storage, name) == 99

    async def test_an_expired_counter_is_zero_again(self, storage: Storage) -> None:
        name = new_id()
        await storage.client.count(change(name, 5, seconds=-1))
        assert await value_of(storage, name) == 0
        await storage.client.count(change(name, 2, seconds=60))
        await storage.client.count(change(name, 2, seconds=-60))
        assert await value_of(storage, name) == 4

    async def test_a_batch_names_a_counter_once(self, storage: Storage) -> None:
        name = new_id()
        with pytest.raises(InvalidArgument, match=r"batch\.counters\[1\]\.name"):
            await storage.client.count(change(name, 1), change(name, 1))
        with pytest.raises(InvalidArgument, match=r"batch\.counters\[0\]\.expire_time"):
            await storage.client.count(CounterChange(name=name, add=1))
        assert await value_of(storage, name) == 0
