"""Which waiter is admitted next while a semaphore is full."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_grpc.weighted_fair_semaphore import Closed, WeightedFairSemaphore

WEIGHTS = {"high": 6, "normal": 3, "low": 1}
SECONDS = 60.0
Semaphore = WeightedFairSemaphore[str]
Join = Callable[[str], Awaitable[asyncio.Task[None]]]


@asynccontextmanager
async def line(semaphore: Semaphore) -> AsyncIterator[tuple[Join, list[str]]]:
    """Yield a function that adds a waiter of a class, and the classes admitted so far.

    A holder keeps its slot until it is cancelled.
    """
    tasks: list[asyncio.Task[None]] = []
    admitted: list[str] = []

    async def hold(class_: str) -> None:
        async with semaphore.slot(class_):
            admitted.append(class_)
            await asyncio.Event().wait()

    async def join(class_: str) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(hold(class_)))
        await asyncio.sleep(0)
        return tasks[-1]

    yield join, admitted
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def admissions(semaphore: Semaphore, waiters: list[str], count: int) -> list[str]:
    """Return the classes of the first `count` waiters that a semaphore of capacity 1 admits, in order."""
    order: list[str] = []

    async def visit(class_: str) -> None:
        async with semaphore.slot(class_):
            order.append(class_)
            if len(order) >= count:
                await asyncio.Event().wait()

    async with semaphore.slot(waiters[0]):
        tasks = [asyncio.create_task(visit(class_)) for class_ in waiters]
        await asyncio.sleep(0)
    while len(order) < min(count, len(waiters)):  # noqa: ASYNC110 (only the semaphore decides when)
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return order[:count]


async def test_holders_up_to_the_capacity_are_admitted_at_once() -> None:
    async with line(WeightedFairSemaphore(3, WEIGHTS)) as (join, admitted):
        for class_ in ("low", "low", "high", "normal"):
            await join(class_)
        assert admitted == ["low", "low", "high"]


@settings(max_examples=50)
@given(st.integers(1, 5), st.lists(st.sampled_from(list(WEIGHTS)), max_size=60))
def test_the_capacity_is_never_exceeded_and_every_waiter_is_admitted(capacity: int, waiters: list[str]) -> None:
    async def run() -> tuple[int, list[str]]:
        semaphore: Semaphore = WeightedFairSemaphore(capacity, WEIGHTS)
        holders, maximum, order = 0, 0, []

        async def visit(class_: str) -> None:
            nonlocal holders, maximum
            async with semaphore.slot(class_):
                holders += 1
                maximum = max(maximum, holders)
                await asyncio.sleep(0)
                order.append(class_)
                holders -= 1

        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for class_ in waiters:
                group.create_task(visit(class_))
        assert semaphore.waiting == 0
        return maximum, order

    maximum, order = asyncio.run(run())
    assert maximum == min(capacity, len(waiters))
    assert Counter(order) == Counter(waiters)


async def test_admissions_are_proportional_to_the_weights_while_all_classes_wait() -> None:
    order = await admissions(WeightedFairSemaphore(1, WEIGHTS), ["low", "normal", "high"] * 40, count=60)
    assert Counter(order) == {"high": 36, "normal": 18, "low": 6}


async def test_a_class_with_a_small_weight_does_not_starve() -> None:
    order = await admissions(WeightedFairSemaphore(1, WEIGHTS), ["high"] * 100 + ["low"] * 3, count=40)
    assert Counter(order)["low"] == 3


@given(waiters=st.lists(st.sampled_from(sorted(WEIGHTS)), max_size=60), arriving=st.sampled_from(sorted(WEIGHTS)))
def test_turns_are_estimated_from_the_waiters_and_the_weights(waiters: list[str], arriving: str) -> None:
    async def run() -> tuple[float, int]:
        semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
        last = "the one that arrives last"
        order: list[str] = []

        async def visit(class_: str, name: str) -> None:
            async with semaphore.slot(class_):
                order.append(name)

        async with asyncio.TaskGroup() as group:
            async with semaphore.slot("high"):
                for class_ in waiters:
                    group.create_task(visit(class_, class_))
                await asyncio.sleep(0)
                estimate = semaphore.turns_until(arriving)
                group.create_task(visit(arriving, last))
                await asyncio.sleep(0)
        return estimate, order.index(last) + 1

    estimate, turns = asyncio.run(run())
    assert abs(estimate - turns) <= sum(WEIGHTS.values())


async def test_a_waiter_that_finds_a_free_slot_needs_no_turn() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    assert semaphore.turns_until("low") == 0
    async with semaphore.slot("high"):
        assert semaphore.turns_until("low") == 1


async def test_a_class_is_first_in_first_out() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    order = []

    async def visit(number: int) -> None:
        async with semaphore.slot("normal"):
            order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(visit(number))
    assert order == list(range(20))


@pytest.mark.parametrize(("idle", "busy"), [("low", "high"), ("high", "low"), ("low", "normal")])
async def test_an_idle_class_accumulates_no_credit(idle: str, busy: str) -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    await admissions(semaphore, [busy] * 200, count=200)
    order = await admissions(semaphore, [idle, busy] * 60, count=50)
    share = 50 * WEIGHTS[idle] / (WEIGHTS[idle] + WEIGHTS[busy])
    assert Counter(order)[idle] == pytest.approx(share, abs=2)


async def test_an_idle_class_accumulates_no_credit_with_one_waiter_at_a_time() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    order: list[str] = []

    async def visit_repeatedly(class_: str) -> None:
        while len(order) < 300:
            async with semaphore.slot(class_):
                order.append(class_)
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(visit_repeatedly("high"))
        while len(order) < 200:  # noqa: ASYNC110 (only the semaphore decides when)
            await asyncio.sleep(0)
        group.create_task(visit_repeatedly("low"))
    assert Counter(order[200:270])["low"] <= 12


async def test_a_holder_that_leaves_admits_the_next_waiter() -> None:
    async with line(WeightedFairSemaphore(1, WEIGHTS)) as (join, admitted):
        first = await join("normal")
        await join("high")
        assert admitted == ["normal"]
        first.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert admitted == ["normal", "high"]


async def test_a_cancelled_waiter_is_skipped() -> None:
    async with line(WeightedFairSemaphore(1, WEIGHTS)) as (join, admitted):
        first = await join("normal")
        cancelled = await join("high")
        await join("low")
        cancelled.cancel()
        await asyncio.sleep(0)
        first.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert admitted == ["normal", "low"]


async def test_a_waiter_that_is_cancelled_while_it_is_admitted_passes_its_slot_on() -> None:
    async with line(WeightedFairSemaphore(1, WEIGHTS)) as (join, admitted):
        first = await join("normal")
        cancelled = await join("high")
        await join("low")
        first.cancel()
        await asyncio.sleep(0)  # it is admitted, but has not run yet
        cancelled.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert admitted in (["normal", "low"], ["normal", "high", "low"])


async def test_a_waiter_that_is_cancelled_while_a_slot_becomes_free_is_skipped() -> None:
    async with line(WeightedFairSemaphore(1, WEIGHTS)) as (join, admitted):
        first = await join("normal")
        cancelled = await join("high")
        await join("low")
        first.cancel()
        cancelled.cancel()
        results = await asyncio.gather(first, cancelled, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 2
        await asyncio.sleep(0)
        assert admitted == ["normal", "low"]


async def test_a_cancelled_waiter_does_not_count_as_waiting() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    async with line(semaphore) as (join, _):
        await join("normal")
        cancelled = await join("high")
        await join("low")
        assert semaphore.waiting == 2
        cancelled.cancel()
        await asyncio.sleep(0)
        assert semaphore.waiting == 1


async def test_a_closed_semaphore_refuses_current_and_future_waiters() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    async with line(semaphore) as (join, admitted):
        holder = await join("normal")
        waiting = [await join(class_) for class_ in ("high", "low")]
        semaphore.close()
        assert semaphore.waiting == 0
        results = await asyncio.gather(*waiting, await join("high"), return_exceptions=True)
        assert [type(result) for result in results] == [Closed, Closed, Closed]
        assert admitted == ["normal"]
        assert not holder.done(), "a holder may finish"
    assert semaphore.waiting == 0


async def test_a_semaphore_can_be_closed_while_a_waiter_is_being_cancelled() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    async with line(semaphore) as (join, _):
        await join("normal")
        cancelled, waiting = await join("high"), await join("high")
        cancelled.cancel()
        semaphore.close()
        results = await asyncio.gather(cancelled, waiting, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, Closed]


async def test_a_closed_semaphore_refuses_even_while_it_has_free_slots() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    semaphore.close()
    with pytest.raises(Closed):
        async with semaphore.slot("high"):
            pass


async def test_an_exception_releases_the_slot() -> None:
    semaphore: Semaphore = WeightedFairSemaphore(1, WEIGHTS)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with semaphore.slot("normal"):
                raise RuntimeError
    async with asyncio.timeout(SECONDS), semaphore.slot("low"):
        pass
