"""Requests that wait for their turn, or are refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from image_grpc.deadline import deadline_in
from image_grpc.errors import Overloaded, StorageServiceError
from image_grpc.origin import Origin, work_of
from image_grpc.storage import admission
from image_grpc.storage.admission import StorageAdmission


@pytest.fixture(autouse=True)
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_IN_FLIGHT", 2)


async def test_no_more_requests_than_allowed_are_in_flight() -> None:
    turns, running, most = StorageAdmission(), 0, 0

    async def request() -> None:
        nonlocal running, most
        async with turns.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request() for _ in range(10)))
    assert most == 2


@asynccontextmanager
async def all_turns_taken(turns: StorageAdmission) -> AsyncIterator[None]:
    """Let two other calls hold the turns within the block."""
    may_end = asyncio.Event()

    async def hold() -> None:
        async with turns.turn():
            await may_end.wait()

    with work_of(Origin.ACCEPTED):
        holders = [asyncio.create_task(hold()) for _ in range(2)]
    await asyncio.sleep(0)
    yield
    may_end.set()
    await asyncio.gather(*holders)


async def test_a_new_call_that_would_wait_too_long_is_refused_at_once() -> None:
    turns = StorageAdmission()
    turns._seconds, turns.last_reply = 60.0, time.monotonic()
    async with all_turns_taken(turns):
        with pytest.raises(Overloaded) as refused:
            await take(turns)
        assert (refused.value.retry_delay or 0) >= 30


async def test_refused_calls_are_told_to_come_back_one_after_the_other() -> None:
    turns = StorageAdmission()
    turns._seconds, turns._interval, turns.last_reply = 6.0, 3.0, time.monotonic()
    async with all_turns_taken(turns):
        delays = []
        for _ in range(40):
            with pytest.raises(Overloaded) as refused:
                turns.require_turn()
            delays.append(refused.value.retry_delay or 0)
        assert [round(delay) for delay in delays[:3]] == [3, 6, 9]
        assert max(delays) == pytest.approx(admission.MAX_RETRY_SECONDS)


async def test_a_new_call_expects_to_wait_for_the_accepted_work_that_goes_before_it() -> None:
    turns = StorageAdmission()
    turns._seconds, turns.last_reply = 1.2, time.monotonic()  # the next turn is 0.6 s away
    async with all_turns_taken(turns):
        with work_of(Origin.ACCEPTED):
            accepted = [asyncio.create_task(take(turns)) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await take(turns)
    await asyncio.gather(*accepted)


async def take(turns: StorageAdmission) -> None:
    async with turns.turn():
        pass


async def test_a_wait_ends_at_the_deadline() -> None:
    turns = StorageAdmission()
    async with all_turns_taken(turns):
        with deadline_in(0.05), pytest.raises(StorageServiceError, match="does not reply"):
            await take(turns)
        turns.last_reply = time.monotonic() + 60
        with deadline_in(0.05), pytest.raises(Overloaded, match="is busy"):
            await take(turns)


async def test_a_call_is_refused_at_its_first_request_or_never() -> None:
    turns = StorageAdmission()
    with work_of(Origin.NEW):
        await asyncio.create_task(take(turns))  # as the shared load of a record does, with a copy of the context
        turns._seconds = 1000.0
        async with all_turns_taken(turns):
            later = [asyncio.create_task(take(turns)) for _ in range(3)]
            await asyncio.sleep(0)
            assert not any(task.done() for task in later)
        await asyncio.gather(*later)


async def test_accepted_work_is_never_refused() -> None:
    turns = StorageAdmission()
    turns._seconds = 1000.0

    async def accepted() -> None:
        with work_of(Origin.ACCEPTED):
            await take(turns)

    async with all_turns_taken(turns):
        tasks = [asyncio.create_task(accepted()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
    await asyncio.gather(*tasks)
