"""What is reserved of a budget, and what of it remains when a generation ends."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Cost, Generation
from tabletop.storage.v1.storage_pb2 import CounterChange

from image_grpc.errors import ApiError
from image_grpc.generation import states
from image_grpc.quotas import LimitedCaller, Limits, LimitsFile, budgets, limited

PRICE = Decimal("0.035")
MICROS = 35_000


class Unit:
    """Records what a unit of work counts."""

    def __init__(self) -> None:
        self.changes: list[CounterChange] = []

    def count(self, *changes: CounterChange) -> None:
        self.changes += changes

    def total(self, what: str) -> int:
        return sum(change.add for change in self.changes if change.name.startswith(f"{what}/"))


def reserved(unit: Unit, *, cost_per_day: Decimal | None = Decimal(1), pictures: int | None = None) -> GenerationRecord:
    """Return a record with a reservation for a caller with these limits."""
    record = GenerationRecord(generation=Generation(model="some-model"))
    limits = Limits(caller="game", cost_per_day=cost_per_day, pictures_per_day=pictures)
    target: Any = unit
    with limited(LimitedCaller("game", limits)):
        budgets.reserve(target, record, Cost(amount=str(PRICE)))
    return record


CALLS = ("refused", "interrupted", "lost", "lost without cost")
"""What may become of a call that is followed by another one. The first was never sent, or not billed."""


@given(
    calls=st.lists(st.sampled_from(CALLS), max_size=5),
    with_cost=st.booleans(),
    maybe_billed=st.booleans(),
    succeeded=st.booleans(),
)
def test_what_was_or_may_have_been_billed_stays_counted(
    calls: list[str], with_cost: bool, maybe_billed: bool, succeeded: bool
) -> None:
    unit: Any = Unit()
    record, billed = reserved(unit), 0
    for call in calls:
        assert unit.total("cost") == MICROS * (billed + 1)  # one call is reserved, in addition to what was billed
        if call.startswith("lost"):
            record = states.generating_again(states.storing(record, result(cost=call == "lost")))
        billed += call != "refused"
        budgets.reserve_again(unit, record, LimitsFile(None), interrupted=call == "interrupted")
    if succeeded:
        record, billed = states.storing(record, result(cost=with_cost)), billed + 1
    elif maybe_billed:
        billed += 1
    budgets.settle(unit, record, succeeded=succeeded, maybe_billed=maybe_billed and not succeeded)
    assert unit.total("cost") == MICROS * billed
    assert unit.total("pictures") == succeeded


def result(*, cost: bool) -> ProviderResult:
    """Return a picture, whose cost GetImg.AI may leave out."""
    picture = ProviderResult(url="https://example.com/picture")
    if cost:
        picture.cost.amount = str(PRICE)
    return picture


def test_a_picture_that_cannot_be_stored_is_billed() -> None:
    unit: Any = Unit()
    record = states.storing(reserved(unit), result(cost=False))
    budgets.settle(unit, record, succeeded=False)
    assert unit.total("cost") == MICROS


def test_another_call_is_limited_like_the_first(tmp_path: Path) -> None:
    (tmp_path / "limits").write_text('{"caller": "game", "cost_per_day": "0.05"}')
    unit: Any = Unit()
    record = reserved(unit)
    budgets.reserve_again(unit, record, LimitsFile(tmp_path / "limits"), interrupted=True)
    assert unit.changes[-1].maximum == 50_000


def test_a_budget_needs_a_price() -> None:
    unit: Any = Unit()
    with (
        limited(LimitedCaller("game", Limits(caller="game", cost_per_day=Decimal(1)))),
        pytest.raises(ApiError, match="no price for some-model"),
    ):
        budgets.reserve(unit, GenerationRecord(generation=Generation(model="some-model")), None)


def test_without_limits_nothing_is_counted() -> None:
    unit: Any = Unit()
    record = reserved(unit, cost_per_day=None)
    budgets.reserve_again(unit, record, LimitsFile(None), interrupted=True)
    budgets.settle(unit, record, succeeded=False)
    assert not unit.changes
    assert not record.HasField("reservation")


def test_names_of_counters_have_a_limited_length() -> None:
    unit: Any = Unit()
    with limited(LimitedCaller("x" * 1000, Limits(caller="*", pictures_per_day=1))):
        budgets.reserve(unit, GenerationRecord(), None)
    assert all(len(change.name) <= 200 for change in unit.changes)
