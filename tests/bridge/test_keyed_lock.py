"""Order per key, the newest holder, and closing."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.bridge.keyed_lock import KeyedLock


async def test_holders_of_one_key_run_in_order_and_others_at_once() -> None:
    locks, finished, first_may_end = KeyedLock(), list[str](), asyncio.Event()

    async def run(key: str, name: str) -> None:
        async with locks.hold(key, 0):
            if name == "first":
                await first_may_end.wait()
            finished.append(name)

    calls = (("a", "first"), ("a", "second"), ("a", "third"), ("b", "other"))
    tasks = [asyncio.create_task(run(*call)) for call in calls]
    await tasks[-1]
    assert finished == ["other"]
    first_may_end.set()
    await asyncio.gather(*tasks)
    assert finished == ["other", "first", "second", "third"]


async def test_a_holder_that_fails_releases_the_lock() -> None:
    locks = KeyedLock()
    with pytest.raises(ZeroDivisionError):
        async with locks.hold("a", 0):
            raise ZeroDivisionError
    async with locks.hold("a", 0) as holder:
        assert holder.is_newest


@pytest.mark.parametrize(("timestamps", "newest"), [((1, 2), 1), ((2, 1), 0), ((5, 5), 1)])
async def test_the_newest_holder_is_the_latest_by_timestamp_then_arrival(
    timestamps: tuple[int, int], newest: int
) -> None:
    locks, results = KeyedLock(), list[bool]()
    both_arrived = asyncio.Event()

    async def run(timestamp: int) -> None:
        async with locks.hold("a", timestamp) as holder:
            await both_arrived.wait()
            results.append(holder.is_newest)

    tasks = [asyncio.create_task(run(timestamp)) for timestamp in timestamps]
    await asyncio.sleep(0)
    both_arrived.set()
    await asyncio.gather(*tasks)
    assert results == [index == newest for index in range(2)]


async def test_closing_ends_waiting_and_sleeping_callers_but_not_running_ones() -> None:
    locks, started, may_end, finished = KeyedLock(), asyncio.Event(), asyncio.Event(), list[str]()

    async def running() -> None:
        async with locks.hold("a", 0):
            started.set()
            await may_end.wait()
            finished.append("running")

    async def waiting() -> None:
        async with locks.hold("a", 0):
            finished.append("waiting")

    async def sleeping() -> None:
        async with locks.hold("b", 0) as holder:
            await holder.sleep(600)
            finished.append("sleeping")

    tasks = [asyncio.create_task(run()) for run in (running, waiting, sleeping)]
    await started.wait()
    locks.close()
    may_end.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert finished == ["running"]
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, asyncio.CancelledError]
