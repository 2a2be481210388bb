"""When refused calls come back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from image_grpc import return_times
from image_grpc.fair_slots import FairSlots
from image_grpc.retry import SOON
from image_grpc.return_times import MAX_RETRY_SECONDS, ReturnTimes


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(return_times, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def take_turns(clock: Clock, returns: ReturnTimes, interval: float, count: int = 200) -> None:
    for _ in range(count):
        clock.now += interval
        returns.note_turn(competes=True)


@pytest.mark.usefixtures("clock")
def test_refused_calls_come_back_soon_at_first() -> None:
    returns = ReturnTimes()
    assert [returns.delay() for _ in range(3)] == [SOON] * 3
    assert returns.delay(7) == 7


@pytest.mark.parametrize("interval", [0.1, 2.0])
def test_refused_calls_come_back_at_the_rate_of_turns(clock: Clock, interval: float) -> None:
    returns = ReturnTimes()
    take_turns(clock, returns, interval)
    delays = [returns.delay() for _ in range(20)]
    assert delays == pytest.approx([SOON + number * interval for number in range(20)], rel=0.01)


def test_the_last_call_comes_back_within_a_minute(clock: Clock) -> None:
    returns = ReturnTimes()
    take_turns(clock, returns, 1.0)
    assert max(returns.delay() for _ in range(200)) == pytest.approx(MAX_RETRY_SECONDS)


def test_those_who_came_back_make_room(clock: Clock) -> None:
    returns = ReturnTimes()
    take_turns(clock, returns, 1.0)
    latest = max(returns.delay() for _ in range(20))
    clock.now += latest
    assert returns.delay() == pytest.approx(SOON)


def test_times_without_competition_do_not_count(clock: Clock) -> None:
    slots = FairSlots(3)
    for _ in range(100):  # at most one of three is taken
        clock.now += 60
        slots.take("a")
        clock.now += 60
        slots.release("a")
    assert [slots.retry_delay() for _ in range(3)] == [SOON] * 3


def test_slots_are_offered_at_the_rate_at_which_they_become_free(clock: Clock) -> None:
    slots = FairSlots(2)
    slots.take("a")
    clock.now += 3600
    for _ in range(200):
        slots.take("b")
        clock.now += 2
        slots.release("b")
    slots.take("b")
    assert [round(slots.retry_delay(), 1) for _ in range(3)] == [1, 3, 5]
