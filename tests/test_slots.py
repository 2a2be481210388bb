"""A bounded number of slots, and callers that wait for one within their deadline."""

from __future__ import annotations

import asyncio
import time

import pytest

from image_grpc.deadline import deadline_in
from image_grpc.errors import Overloaded
from image_grpc.slots import Slots
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS, eventually

ENDLESS = 3600.0


def some_slots(count: int, *, timeout: float = ENDLESS) -> Slots:
    return Slots(count, timeout=timeout, error=lambda: Overloaded("too many at once", retry_delay=1.0))


async def hold(slots: Slots, until: asyncio.Event, held: list[int]) -> None:
    async with slots.slot():
        held.append(1)
        await until.wait()


async def test_no_more_callers_than_slots_hold_one() -> None:
    slots, done, held = some_slots(3), asyncio.Event(), list[int]()
    callers = [asyncio.create_task(hold(slots, done, held)) for _ in range(10)]
    await eventually(lambda: len(held) == 3, "all slots are held")
    await asyncio.sleep(0.01)
    assert len(held) == 3
    done.set()
    await asyncio.gather(*callers)
    assert len(held) == 10


async def test_waiting_ends_after_the_timeout_with_the_configured_error() -> None:
    slots = some_slots(1, timeout=0.05)
    async with slots.slot():
        with pytest.raises(Overloaded, match="too many at once") as refused:
            async with slots.slot():
                raise AssertionError("unreachable")
    assert refused.value.retry_delay == 1.0
    assert isinstance(refused.value.__cause__, TimeoutError)


async def test_waiting_ends_at_the_callers_deadline() -> None:
    slots, started = some_slots(1), time.monotonic()
    async with slots.slot():
        with deadline_in(0.05), pytest.raises(Overloaded):
            async with slots.slot():
                raise AssertionError("unreachable")
    assert time.monotonic() - started < MAX_WAIT_SECONDS


async def test_a_slot_can_be_held_longer_than_the_timeout() -> None:
    slots = some_slots(1, timeout=0.01)
    async with slots.slot():
        await asyncio.sleep(0.05)


async def test_a_timeout_inside_of_the_block_is_not_that_of_the_wait() -> None:
    with pytest.raises(TimeoutError, match="of the work"):
        async with some_slots(1).slot():
            raise TimeoutError("of the work")


@pytest.mark.parametrize("end", ["normal", "error", "cancelled"])
async def test_the_slot_is_free_after_the_block(end: str) -> None:
    slots, done, held = some_slots(1), asyncio.Event(), list[int]()
    if end == "error":
        with pytest.raises(RuntimeError):
            async with slots.slot():
                raise RuntimeError
    else:
        holder = asyncio.create_task(hold(slots, done, held))
        await eventually(lambda: len(held) == 1, "the slot is held")
        if end == "cancelled":
            holder.cancel()
        done.set()
        await asyncio.gather(holder, return_exceptions=True)
    async with asyncio.timeout(MAX_WAIT_SECONDS), slots.slot():
        pass


async def test_a_caller_that_is_cancelled_while_it_waits_takes_no_slot() -> None:
    slots, done, held = some_slots(1), asyncio.Event(), list[int]()
    async with slots.slot():
        waiting = asyncio.create_task(hold(slots, done, held))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
    async with asyncio.timeout(MAX_WAIT_SECONDS), slots.slot():
        assert held == []
