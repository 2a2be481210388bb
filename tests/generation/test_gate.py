"""Which generation goes next when not all can go at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_grpc.generation.gate import Closed, WeightedGate

from tests.contracts.patience import PATIENCE_SECONDS

WEIGHTS = {"high": 6, "normal": 3, "low": 1}
Gate = WeightedGate[str]


@asynccontextmanager
async def queue(gate: Gate) -> AsyncIterator[tuple[Callable[[str], Awaitable[asyncio.Task[None]]], list[str]]]:
    """Yields how to let one queue up, and who was let in so far. Who is in leaves when it is cancelled."""
    tasks: list[asyncio.Task[None]] = []
    entered: list[str] = []

    async def enter(of: str) -> None:
        async with gate.slot(of):
            entered.append(of)
            await asyncio.Event().wait()

    async def come(of: str) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(enter(of)))
        await asyncio.sleep(0)
        return tasks[-1]

    yield come, entered
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def served(gate: Gate, come: list[str], turns: int) -> list[str]:
    """Who goes, in order, when these wait for a gate of one, and there are so many turns."""
    order: list[str] = []

    async def visit(of: str) -> None:
        async with gate.slot(of):
            order.append(of)
            if len(order) >= turns:
                await asyncio.Event().wait()

    async with gate.slot(come[0]):
        tasks = [asyncio.create_task(visit(of)) for of in come]
        await asyncio.sleep(0)
    while len(order) < min(turns, len(come)):  # noqa: ASYNC110 (the gate alone decides when)
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return order[:turns]


async def test_up_to_its_capacity_everybody_enters_at_once() -> None:
    async with queue(WeightedGate(3, WEIGHTS)) as (come, entered):
        for of in ("low", "low", "high", "normal"):
            await come(of)
        assert entered == ["low", "low", "high"]


@settings(max_examples=50)
@given(st.integers(1, 5), st.lists(st.sampled_from(list(WEIGHTS)), max_size=60))
def test_the_capacity_is_never_exceeded_and_everybody_gets_through(capacity: int, come: list[str]) -> None:
    async def run() -> tuple[int, list[str]]:
        gate: Gate = WeightedGate(capacity, WEIGHTS)
        inside, most, order = 0, 0, []

        async def visit(of: str) -> None:
            nonlocal inside, most
            async with gate.slot(of):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                order.append(of)
                inside -= 1

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for of in come:
                group.create_task(visit(of))
        assert gate.waiting == 0
        return most, order

    most, order = asyncio.run(run())
    assert most == min(capacity, len(come))
    assert Counter(order) == Counter(come)


async def test_turns_are_shared_by_weight_while_all_wait() -> None:
    order = await served(WeightedGate(1, WEIGHTS), ["low", "normal", "high"] * 40, turns=60)
    assert Counter(order) == {"high": 36, "normal": 18, "low": 6}


async def test_low_ones_never_starve() -> None:
    order = await served(WeightedGate(1, WEIGHTS), ["high"] * 100 + ["low"] * 3, turns=40)
    assert Counter(order)["low"] == 3


async def test_within_a_class_the_first_to_come_is_the_first_to_go() -> None:
    gate: Gate = WeightedGate(1, WEIGHTS)
    order = []

    async def visit(number: int) -> None:
        async with gate.slot("normal"):
            order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(visit(number))
    assert order == list(range(20))


@pytest.mark.parametrize(("idle", "busy"), [("low", "high"), ("high", "low"), ("low", "normal")])
async def test_a_class_that_was_idle_has_saved_up_nothing(idle: str, busy: str) -> None:
    gate: Gate = WeightedGate(1, WEIGHTS)
    await served(gate, [busy] * 200, turns=200)
    order = await served(gate, [idle, busy] * 60, turns=50)
    share = 50 * WEIGHTS[idle] / (WEIGHTS[idle] + WEIGHTS[busy])
    assert Counter(order)[idle] == pytest.approx(share, abs=2)


async def test_who_leaves_lets_the_next_in() -> None:
    async with queue(WeightedGate(1, WEIGHTS)) as (come, entered):
        first = await come("normal")
        await come("high")
        assert entered == ["normal"]
        first.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert entered == ["normal", "high"]


async def test_who_gives_up_waiting_gives_its_place_on() -> None:
    async with queue(WeightedGate(1, WEIGHTS)) as (come, entered):
        first = await come("normal")
        gives_up = await come("high")
        await come("low")
        gives_up.cancel()
        await asyncio.sleep(0)
        first.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert entered == ["normal", "low"]


async def test_who_gives_up_just_as_its_turn_comes_gives_it_on() -> None:
    async with queue(WeightedGate(1, WEIGHTS)) as (come, entered):
        first = await come("normal")
        gives_up = await come("high")
        await come("low")
        first.cancel()
        await asyncio.sleep(0)  # its turn has come, but it has not seen so yet
        gives_up.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert entered in (["normal", "low"], ["normal", "high", "low"])


async def test_who_gives_up_does_not_count_as_waiting() -> None:
    gate: Gate = WeightedGate(1, WEIGHTS)
    async with queue(gate) as (come, _):
        await come("normal")
        gives_up = await come("high")
        await come("low")
        assert gate.waiting == 2
        gives_up.cancel()
        await asyncio.sleep(0)
        assert gate.waiting == 1


async def test_a_closed_gate_turns_away_who_waits_and_who_comes() -> None:
    gate: Gate = WeightedGate(1, WEIGHTS)
    async with queue(gate) as (come, entered):
        inside = await come("normal")
        waiting = [await come(of) for of in ("high", "low")]
        gate.close()
        told = await asyncio.gather(*waiting, await come("high"), return_exceptions=True)
        assert [type(each) for each in told] == [Closed, Closed, Closed]
        assert entered == ["normal"]
        assert not inside.done(), "who is in may finish"
    assert gate.waiting == 0


async def test_who_fails_inside_leaves_its_place() -> None:
    gate: Gate = WeightedGate(1, WEIGHTS)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with gate.slot("normal"):
                raise RuntimeError
    async with asyncio.timeout(PATIENCE_SECONDS), gate.slot("low"):
        pass
