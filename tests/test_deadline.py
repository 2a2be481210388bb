from __future__ import annotations

import asyncio

import pytest

from image_grpc.deadline import deadline_in, remaining


class Clock:
    """Time that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("image_grpc.deadline.time.monotonic", clock)
    return clock


def test_without_a_deadline_a_step_takes_what_it_may() -> None:
    assert remaining(7) == 7


def test_each_hop_gets_what_is_left(clock: Clock) -> None:
    with deadline_in(10):
        assert remaining(60) == 10
        clock.now += 4
        assert remaining(60) == 6
        assert remaining(5) == 5
        assert remaining(60, margin=1) == 5
    assert remaining(60) == 60


def test_what_is_left_is_never_negative(clock: Clock) -> None:
    with deadline_in(10):
        clock.now += 11
        assert remaining(60) == 0
    with deadline_in(1):
        assert remaining(60, margin=2) == 0


def test_an_inner_deadline_can_only_be_sooner() -> None:
    with deadline_in(10):
        with deadline_in(3):
            assert remaining(60) == 3
        with deadline_in(30):
            assert remaining(60) == 10
        assert remaining(60) == 10


async def test_tasks_take_the_deadline_of_who_starts_them_and_keep_it_to_themselves() -> None:
    async def inner() -> float:
        with deadline_in(3):
            await asyncio.sleep(0)
            return remaining(60)

    with deadline_in(10):
        seen = asyncio.create_task(inner())
        await asyncio.sleep(0)
        assert remaining(60) == 10
        assert await seen == 3
