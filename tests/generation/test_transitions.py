"""How a generation moves from state to state."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.internal.v1.job_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import CacheEntryState, GenerationRecord

from image_grpc.errors import ApiError
from image_grpc.generation import built_in, kinds, transitions
from image_grpc.settings import ServerSettings, load
from tests.service import portrait

THEME = built_in()["horror"]
IMAGE = Image(id="the-image", version=3)
States = GenerationState


def fresh() -> GenerationRecord:
    request = kinds.normalise(portrait(theme="horror", source={"id": "it"}), load(ServerSettings))
    return transitions.queued("the-generation", request, THEME, fingerprint="f" * 64)


def drawn(amount: str = "0.035") -> ProviderResult:
    result = ProviderResult(provider_id=str(uuid.uuid4()), url="https://getimg.ai/x")
    result.cost.amount, result.cost.currency, result.cost.quantity = amount, "USD", 1
    result.draw_time.GetCurrentTime()
    return result


Move = Callable[[GenerationRecord], GenerationRecord]

STEPS: dict[str, Move] = {
    "generating": lambda record: transitions.generating(record, owner="me", lease_seconds=90),
    "released": lambda record: transitions.released(record, asked=True),
    "storing": lambda record: transitions.storing(record, drawn()),
    "drawing_again": transitions.drawing_again,
}
"""What may happen in any order, however often, until it ends."""
ENDS: dict[str, Move] = {
    "succeeded": lambda record: transitions.succeeded(record, IMAGE, storage_correlation_id="op"),
    "failed": lambda record: transitions.failed(record, ApiError("no", metadata={"http_status": "400"})),
    "cancelled": transitions.cancelled,
    "cache hit": lambda record: transitions.answered_from_cache(record, IMAGE),
}


@given(st.lists(st.sampled_from(list(STEPS)), max_size=12), st.sampled_from(list(ENDS)))
def test_state_and_progress_never_go_back(steps: list[str], end: str) -> None:
    record = fresh()
    for name in [*steps, end]:
        before, record = record.generation, (STEPS | ENDS)[name](record)
        after = record.generation
        assert after.state >= before.state, name
        assert 0 <= before.progress <= after.progress <= 1, name
        assert after.attempts >= before.attempts, name
        assert Decimal(after.cost.amount or 0) >= Decimal(before.cost.amount or 0), name
    assert transitions.ended(record.generation)
    assert record.generation.progress == 1


@pytest.mark.parametrize("move", [*STEPS, *ENDS])
def test_a_move_leaves_the_record_it_came_from_as_it_was(move: str) -> None:
    record = fresh()
    record.generation.queue_position = 4
    before = GenerationRecord()
    before.CopyFrom(record)
    (STEPS | ENDS)[move](record)
    assert record == before


@pytest.mark.parametrize("state", States.values(), ids=States.Name)
def test_three_states_are_final(state: int) -> None:
    final = state in (
        States.GENERATION_STATE_SUCCEEDED,
        States.GENERATION_STATE_FAILED,
        States.GENERATION_STATE_CANCELLED,
    )
    assert transitions.ended(Generation(state=state)) is final


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_generation_is_expected_by_nobody_and_worked_on_by_nobody(end: str) -> None:
    record = STEPS["generating"](fresh())
    record.generation.queue_position = 4
    record.generation.expect_finish_time.GetCurrentTime()
    ended = ENDS[end](record)
    assert not ended.HasField("lease")
    assert not ended.generation.HasField("queue_position")
    assert not ended.generation.HasField("expect_finish_time")
    assert ended.generation.HasField("finish_time")


def test_a_new_generation_is_queued_with_all_that_its_steps_need() -> None:
    record = fresh()
    generation = record.generation
    assert (generation.id, generation.state) == ("the-generation", States.GENERATION_STATE_QUEUED)
    assert (generation.progress, generation.attempts) == (0, 0)
    assert generation.model == generation.request.portrait.model
    assert "horror" in record.prompt
    assert (record.facets.theme, record.facets.source_id) == ("horror", "it")
    assert record.image_id == fresh().image_id, "done again, it makes the same image"


def test_each_time_that_getimg_is_asked_counts() -> None:
    first = STEPS["generating"](fresh())
    second = STEPS["generating"](transitions.released(first, asked=True))
    assert (first.generation.attempts, second.generation.attempts) == (1, 2)
    assert second.generation.start_time == first.generation.start_time
    assert second.lease.owner == "me"


def test_a_picture_that_was_drawn_twice_was_paid_for_twice() -> None:
    once = transitions.storing(STEPS["generating"](fresh()), drawn("0.035"))
    assert once.generation.cost.amount == "0.035"
    lost = transitions.drawing_again(once)
    assert not lost.HasField("provider_result")
    twice = transitions.storing(STEPS["generating"](lost), drawn("0.04"))
    assert (twice.generation.cost.amount, twice.generation.cost.quantity) == ("0.075", 2)
    assert twice.generation.cost.currency == "USD"


@given(st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=8))
def test_costs_add_up_to_the_last_digit(amounts: list[Decimal]) -> None:
    record = fresh()
    for amount in amounts:
        record = transitions.storing(record, drawn(format(amount, "f")))
    assert Decimal(record.generation.cost.amount) == sum(amounts)
    assert "E" not in record.generation.cost.amount


def test_a_hit_of_the_cache_costs_nothing_and_names_the_image() -> None:
    hit = ENDS["cache hit"](fresh()).generation
    assert hit.cache_hit
    assert not hit.HasField("cost")
    assert (hit.image.id, hit.image.version) == (IMAGE.id, IMAGE.version)


def test_a_failure_says_why_in_the_terms_of_a_call_that_fails() -> None:
    error = ENDS["failed"](fresh()).generation.error
    assert (error.reason, error.message, dict(error.metadata)) == ("API_ERROR", "no", {"http_status": "400"})


def test_the_operation_that_stored_it_is_named() -> None:
    assert ENDS["succeeded"](fresh()).generation.storage_correlation_id == "op"


def test_a_cache_entry_goes_from_in_flight_to_ready_or_void() -> None:
    entry = transitions.in_flight(fresh())
    assert (entry.fingerprint, entry.generation_id) == ("f" * 64, "the-generation")
    assert entry.state == CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
    ready = transitions.ready(entry, IMAGE)
    assert ready.state == CacheEntryState.CACHE_ENTRY_STATE_READY
    assert (ready.image_id, ready.image_version) == (IMAGE.id, IMAGE.version)
    assert transitions.void(entry).state == CacheEntryState.CACHE_ENTRY_STATE_VOID
    assert entry.state == CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT


def test_the_same_request_id_is_the_same_generation() -> None:
    assert transitions.new_generation_id("r-1") == transitions.new_generation_id("r-1")
    assert transitions.new_generation_id("r-1") != transitions.new_generation_id("r-2")
    assert transitions.new_generation_id("") != transitions.new_generation_id("")
    assert uuid.UUID(transitions.new_generation_id("r-1"))
