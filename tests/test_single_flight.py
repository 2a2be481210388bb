"""Concurrent loads of one key are shared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

from image_grpc.deadline import deadline_in, remaining
from image_grpc.single_flight import SingleFlight
from image_grpc_testkit.eventually import eventually


class Loader:
    """Loads that end when they may, and that are counted."""

    def __init__(self) -> None:
        self.calls = 0
        self.kept: list[Any] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def load(self) -> int:
        self.calls += 1
        number = self.calls
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return number

    def keep(self, result: int) -> None:
        self.kept.append(result)


@pytest.fixture
async def loader() -> AsyncIterator[Loader]:
    loader = Loader()
    yield loader
    loader.may_end.set()


@pytest.fixture
def flights() -> SingleFlight[str, int]:
    return SingleFlight()


def start(flights: SingleFlight[str, int], loader: Loader, key: str = "key") -> asyncio.Task[int]:
    return asyncio.create_task(flights.run(key, loader.load, on_loaded=loader.keep))


async def started(loader: Loader, calls: int) -> None:
    await eventually(lambda: loader.calls >= calls, "the loads start")


async def test_concurrent_callers_share_one_load(flights: SingleFlight[str, int], loader: Loader) -> None:
    callers = [start(flights, loader) for _ in range(10)]
    await started(loader, 1)
    loader.may_end.set()
    assert await asyncio.gather(*callers) == [1] * 10
    assert loader.kept == [1]


async def test_each_key_has_its_own_load(flights: SingleFlight[str, int], loader: Loader) -> None:
    callers = [start(flights, loader, key) for key in ("one", "other", "one")]
    await started(loader, 2)
    loader.may_end.set()
    assert await asyncio.gather(*callers) == [1, 2, 1]


async def test_results_are_not_remembered(flights: SingleFlight[str, int], loader: Loader) -> None:
    loader.may_end.set()
    assert [await start(flights, loader) for _ in range(3)] == [1, 2, 3]
    assert loader.kept == [1, 2, 3]


async def test_a_load_needs_no_callback(flights: SingleFlight[str, int], loader: Loader) -> None:
    loader.may_end.set()
    assert await flights.run("key", loader.load) == 1


async def test_a_cancelled_caller_leaves_the_load_to_the_others(
    flights: SingleFlight[str, int], loader: Loader
) -> None:
    first, second = start(flights, loader), start(flights, loader)
    await started(loader, 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    loader.may_end.set()
    assert await second == 1
    assert loader.kept == [1]


async def test_a_load_goes_on_when_its_only_caller_is_cancelled(
    flights: SingleFlight[str, int], loader: Loader
) -> None:
    caller = start(flights, loader)
    await started(loader, 1)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    late = start(flights, loader)
    loader.may_end.set()
    assert await late == 1
    assert loader.calls == 1


async def test_an_error_reaches_all_callers_and_is_not_remembered(
    flights: SingleFlight[str, int], loader: Loader
) -> None:
    loader.error = RuntimeError("down")
    callers = [start(flights, loader) for _ in range(3)]
    await started(loader, 1)
    loader.may_end.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert results == [loader.error] * 3
    assert loader.calls == 1
    loader.error = None
    assert await start(flights, loader) == 2
    assert loader.kept == [2]


@pytest.mark.parametrize("everything", [True, False])
async def test_an_invalidated_load_serves_its_callers_and_is_not_kept(
    flights: SingleFlight[str, int], loader: Loader, everything: bool
) -> None:
    early = start(flights, loader)
    await started(loader, 1)
    if everything:
        flights.invalidate_all()
    else:
        flights.invalidate("key")
    late = start(flights, loader)
    await started(loader, 2)
    loader.may_end.set()
    assert (await early, await late) == (1, 2)
    assert loader.kept == [2]


async def test_a_load_that_is_invalidated_and_not_followed_by_another_is_not_kept(
    flights: SingleFlight[str, int], loader: Loader
) -> None:
    early = start(flights, loader)
    await started(loader, 1)
    flights.invalidate("key")
    loader.may_end.set()
    assert await early == 1
    assert loader.kept == []


async def test_an_overtaken_load_does_not_end_the_one_that_overtook_it(
    flights: SingleFlight[str, int], loader: Loader
) -> None:
    early = start(flights, loader)
    await started(loader, 1)
    first_may_end, loader.may_end = loader.may_end, asyncio.Event()
    flights.invalidate("key")
    late = start(flights, loader)
    await started(loader, 2)
    first_may_end.set()
    assert await early == 1
    also_late = start(flights, loader)
    await asyncio.sleep(0)
    loader.may_end.set()
    assert (await late, await also_late) == (2, 2)
    assert loader.calls == 2


async def test_another_key_is_not_invalidated(flights: SingleFlight[str, int], loader: Loader) -> None:
    caller = start(flights, loader)
    await started(loader, 1)
    flights.invalidate("other")
    loader.may_end.set()
    assert await caller == 1
    assert loader.kept == [1]


async def test_a_load_belongs_to_the_work_of_its_first_caller(flights: SingleFlight[str, int]) -> None:
    """Its log lines and messages carry the correlation id."""
    work: ContextVar[int] = ContextVar("work")
    work.set(7)

    async def load() -> int:
        return work.get()

    assert await flights.run("key", load) == 7


async def test_a_load_does_not_have_the_deadline_of_its_first_caller(flights: SingleFlight[str, int]) -> None:
    async def load() -> int:
        return int(remaining(1000))

    with deadline_in(1):
        assert await flights.run("key", load) == 1000


@pytest.mark.parametrize("cancel_unwanted", [True, False])
async def test_a_load_that_nobody_wants_any_more_is_cancelled_if_asked_for(cancel_unwanted: bool) -> None:
    flight, started, outcome = SingleFlight[str, int](cancel_unwanted=cancel_unwanted), asyncio.Event(), list[str]()
    may_end = asyncio.Event()

    async def load() -> int:
        started.set()
        try:
            await may_end.wait()
        except asyncio.CancelledError:
            outcome.append("cancelled")
            raise
        outcome.append("loaded")
        return 1

    callers = [asyncio.create_task(flight.run("key", load)) for _ in range(2)]
    await started.wait()
    callers[0].cancel()
    await asyncio.gather(callers[0], return_exceptions=True)
    assert outcome == [], "the other caller still waits"
    callers[1].cancel()
    await asyncio.gather(callers[1], return_exceptions=True)
    may_end.set()
    await eventually(lambda: bool(outcome), "the load ends")
    assert outcome == ["cancelled" if cancel_unwanted else "loaded"]
