"""Requests that wait for their turn, or are refused."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.deadline import deadline_in
from image_grpc.errors import Overloaded
from image_grpc.storage import accepted_work, admission
from image_grpc.storage.admission import Admission


@pytest.fixture(autouse=True)
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_IN_FLIGHT", 2)


async def test_no_more_requests_than_allowed_are_in_flight() -> None:
    turns, running, most = Admission(), 0, 0

    async def request() -> None:
        nonlocal running, most
        async with turns.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request() for _ in range(10)))
    assert most == 2


async def test_a_request_that_would_wait_too_long_is_refused_at_once() -> None:
    turns = Admission()
    turns._seconds = 60.0
    async with turns.turn(), turns.turn():
        waiting = [asyncio.create_task(hold(turns)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refused:
            async with turns.turn():
                pytest.fail("there is no turn")
        assert (refused.value.retry_delay or 0) > 30
    await asyncio.gather(*waiting)


async def hold(turns: Admission) -> None:
    async with turns.turn():
        pass


async def test_a_wait_ends_at_the_deadline() -> None:
    turns = Admission()
    async with turns.turn(), turns.turn():
        with deadline_in(0.05), pytest.raises(Overloaded):
            async with turns.turn():
                pytest.fail("there is no turn")


async def test_accepted_work_is_never_refused() -> None:
    turns = Admission()
    turns._seconds = 1000.0
    done = asyncio.Event()

    async def accepted() -> None:
        with accepted_work():
            async with turns.turn():
                done.set()

    async with turns.turn(), turns.turn():
        tasks = [asyncio.create_task(accepted()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not done.is_set()
    await asyncio.gather(*tasks)
