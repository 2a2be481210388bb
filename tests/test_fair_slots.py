"""Slots that are shared among peers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.fair_slots import FairSlots


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 2), (3, 2), (30, 20), (1000, 667)])
def test_one_peer_gets_two_thirds(limit: int, share: int) -> None:
    slots = FairSlots(limit)
    assert [slots.acquire("greedy") for _ in range(limit)].count(True) == share


def test_each_further_peer_gets_two_thirds_of_the_rest() -> None:
    slots = FairSlots(27)
    counts = [[slots.acquire(peer) for _ in range(27)].count(True) for peer in "abc"]
    assert counts == [18, 6, 2]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans())))
def test_there_are_never_more_holders_than_slots(steps: list[tuple[str, bool]]) -> None:
    slots, held = FairSlots(5), list[str]()
    for peer, is_acquiring in steps:
        if is_acquiring and slots.acquire(peer):
            held.append(peer)
        elif not is_acquiring and peer in held:
            held.remove(peer)
            slots.release(peer)
        assert len(held) <= 5
    for peer in held:
        slots.release(peer)
    assert [slots.acquire("z") for _ in range(5)].count(True) == 4


async def test_a_waiter_gets_the_next_slot_that_is_released() -> None:
    slots = FairSlots(1)
    async with slots.slot("a", timeout=0) as first:
        assert first
        async with slots.slot("b", timeout=0.01) as second:
            assert not second

        async def wait() -> bool:
            async with slots.slot("b", timeout=60) as acquired:
                return acquired

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
    assert await waiting
