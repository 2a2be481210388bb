"""Sources take turns."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.bridge.round_robin import RoundRobin


async def test_a_source_with_many_waiters_does_not_delay_others() -> None:
    slots, order = RoundRobin(1), list[str]()

    async def work(source: str) -> None:
        await slots.acquire(source)
        order.append(source)
        await asyncio.sleep(0)
        slots.release()

    flood = [asyncio.create_task(work("flood")) for _ in range(6)]
    await asyncio.sleep(0)
    others = [asyncio.create_task(work(source)) for source in ("a", "b", "a")]
    await asyncio.gather(*flood, *others)
    assert {"a", "b"} <= set(order[:5]), "each source has its turn"


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_a_cancelled_waiter_takes_no_slot(position: int) -> None:
    slots, done = RoundRobin(1), list[int]()

    async def work(number: int) -> None:
        await slots.acquire("a")
        await asyncio.sleep(0)
        done.append(number)
        slots.release()

    await slots.acquire("b")
    tasks = [asyncio.create_task(work(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[position].cancel()
    slots.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == [number for number in range(3) if number != position]
    async with asyncio.timeout(60):
        await slots.acquire("c")
