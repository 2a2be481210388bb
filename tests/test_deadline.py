from __future__ import annotations

import asyncio

import pytest

from image_grpc.deadline import deadline_in, remaining


class Clock:
    """A clock that the test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("image_grpc.deadline.time.monotonic", clock)
    return clock


def test_without_a_deadline_the_limit_applies() -> None:
    assert remaining(7) == 7


def test_each_step_gets_the_remaining_time(clock: Clock) -> None:
    with deadline_in(10):
        assert remaining(60) == 10
        clock.now += 4
        assert remaining(60) == 6
        assert remaining(5) == 5
        assert remaining(60, margin=0.5) == 5.5
    assert remaining(60) == 60


def test_the_remaining_time_is_never_negative(clock: Clock) -> None:
    with deadline_in(10):
        clock.now += 11
        assert remaining(60) == 0
        assert remaining(60, margin=2) == 0


@pytest.mark.parametrize(("seconds", "rest"), [(0.02, 0.018), (0.2, 0.18), (2, 1.8), (4, 3.8), (40, 39.8)])
def test_of_a_short_time_the_margin_takes_a_tenth(seconds: float, rest: float) -> None:
    """A deadline that suffices is kept, however short it is."""
    with deadline_in(seconds):
        assert remaining(60, margin=0.2) == pytest.approx(rest)


def test_an_inner_deadline_can_only_be_earlier() -> None:
    with deadline_in(10):
        with deadline_in(3):
            assert remaining(60) == 3
        with deadline_in(30):
            assert remaining(60) == 10
        assert remaining(60) == 10


async def test_a_task_inherits_the_deadline_and_does_not_change_that_of_its_parent() -> None:
    async def inner() -> float:
        with deadline_in(3):
            await asyncio.sleep(0)
            return remaining(60)

    with deadline_in(10):
        task = asyncio.create_task(inner())
        await asyncio.sleep(0)
        assert remaining(60) == 10
        assert await task == 3
