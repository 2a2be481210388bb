"""Names on the hub, and the rules of topic exchanges and of the retry ladder."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.hub import topology

words = st.sampled_from(["image", "map", "storage", "changed", "x"])
routing_keys = st.lists(words, min_size=1, max_size=6).map(".".join)
patterns = st.lists(words | st.sampled_from(["*", "#"]), min_size=1, max_size=6).map(".".join)


def matches_by_regular_expression(pattern: str, routing_key: str) -> bool:
    """The reference: each word of the key is followed by a dot, `*` is one such word, `#` any number of them."""
    word = r"(?:[^.]*\.)"
    parts = {"*": word, "#": f"{word}*"}
    expression = "".join(parts.get(each, re.escape(f"{each}.")) for each in pattern.split("."))
    return re.fullmatch(expression, f"{routing_key}.") is not None


@given(patterns, routing_keys)
def test_patterns_match_as_on_a_topic_exchange(pattern: str, routing_key: str) -> None:
    assert topology.matches(pattern, routing_key) == matches_by_regular_expression(pattern, routing_key)


@given(routing_keys)
def test_a_key_matches_itself_and_the_pattern_for_all(routing_key: str) -> None:
    assert topology.matches(routing_key, routing_key)
    assert topology.matches("#", routing_key)


@pytest.mark.parametrize(
    ("event", "routing_key"),
    [
        ("image_generated", "image.generated"),
        ("overlay_updated", "overlay.updated"),
        ("theme_applied", "theme.applied"),
        ("character_updated", "character.updated"),
        ("campaign_theme_changed", "campaign.theme_changed"),
        ("map_state_changed", "map.state_changed"),
    ],
)
def test_an_event_s_routing_key_is_its_name_with_the_first_underscore_as_a_dot(event: str, routing_key: str) -> None:
    assert topology.event_routing_key(event) == routing_key


@pytest.mark.parametrize(("delay", "step"), [(0, 1), (1, 1), (1.1, 5), (5, 5), (31, 120), (600, 600), (100_000, 600)])
def test_a_delay_takes_the_next_step_of_the_ladder_or_the_last(delay: float, step: int) -> None:
    assert topology.retry_step(delay) == step


def test_every_storage_operation_is_routed_to_the_storage_queue() -> None:
    [queue] = [each for each in topology.QUEUES if each.name == topology.STORAGE_QUEUE]
    [(exchange, pattern)] = queue.bindings
    assert exchange == topology.REQUESTS
    for operation in (topology.STORE, topology.RETRIEVE, topology.DELETE, topology.LIST):
        assert topology.matches(pattern, operation)


def test_each_queue_has_a_name_of_its_own() -> None:
    names = [queue.name for queue in topology.QUEUES]
    assert len(names) == len(set(names))
