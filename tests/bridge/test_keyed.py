"""Turns by key."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.bridge.keyed import Keyed


async def test_those_of_one_key_run_in_order_and_others_at_once() -> None:
    keyed, ran, first_may_end = Keyed(), list[str](), asyncio.Event()

    async def run(key: str, name: str) -> None:
        async with keyed.turn(key, 0):
            if name == "first":
                await first_may_end.wait()
            ran.append(name)

    tasks = [
        asyncio.create_task(run(*each)) for each in (("a", "first"), ("a", "second"), ("a", "third"), ("b", "other"))
    ]
    await tasks[-1]
    assert ran == ["other"]
    first_may_end.set()
    await asyncio.gather(*tasks)
    assert ran == ["other", "first", "second", "third"]


async def test_a_failure_does_not_hold_up_those_behind_it() -> None:
    keyed = Keyed()
    with pytest.raises(ZeroDivisionError):
        async with keyed.turn("a", 0):
            raise ZeroDivisionError
    async with keyed.turn("a", 0) as turn:
        assert turn.newest


@pytest.mark.parametrize(("times", "newest"), [((1, 2), 1), ((2, 1), 0), ((5, 5), 1)])
async def test_the_newest_is_by_time_and_then_by_arrival(times: tuple[int, int], newest: int) -> None:
    keyed, found = Keyed(), list[bool]()
    both_are_here = asyncio.Event()

    async def run(time: int) -> None:
        async with keyed.turn("a", time) as turn:
            await both_are_here.wait()
            found.append(turn.newest)

    tasks = [asyncio.create_task(run(time)) for time in times]
    await asyncio.sleep(0)
    both_are_here.set()
    await asyncio.gather(*tasks)
    assert found == [index == newest for index in range(2)]


async def test_closing_lets_those_that_run_go_on_and_ends_those_that_wait_or_pause() -> None:
    keyed, runs, may_end, ended = Keyed(), asyncio.Event(), asyncio.Event(), list[str]()

    async def running() -> None:
        async with keyed.turn("a", 0):
            runs.set()
            await may_end.wait()
            ended.append("ran")

    async def waiting() -> None:
        async with keyed.turn("a", 0):
            ended.append("waited")

    async def pausing() -> None:
        async with keyed.turn("b", 0) as turn:
            await turn.pause(600)
            ended.append("paused")

    tasks = [asyncio.create_task(each()) for each in (running, waiting, pausing)]
    await runs.wait()
    keyed.close()
    may_end.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert ended == ["ran"]
    assert [type(each) for each in outcomes] == [type(None), asyncio.CancelledError, asyncio.CancelledError]
