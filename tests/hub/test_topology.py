"""Names on the hub, and the matching rules of topic exchanges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.hub import topology

words = st.sampled_from(["image", "map", "storage", "changed", "x"])
routing_keys = st.lists(words, min_size=1, max_size=6).map(".".join)
patterns = st.lists(words | st.sampled_from(["*", "#"]), min_size=1, max_size=6).map(".".join)


def matches_by_recursion(pattern: list[str], words: list[str]) -> bool:
    """Reference implementation."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return matches_by_recursion(pattern[1:], words) or (bool(words) and matches_by_recursion(pattern, words[1:]))
    return bool(words) and pattern[0] in ("*", words[0]) and matches_by_recursion(pattern[1:], words[1:])


@given(patterns, routing_keys)
def test_patterns_match_like_the_reference(pattern: str, routing_key: str) -> None:
    assert topology.matches(pattern, routing_key) == matches_by_recursion(pattern.split("."), routing_key.split("."))


@given(routing_keys)
def test_a_key_matches_itself_and_the_catch_all_pattern(routing_key: str) -> None:
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
def test_routing_keys_of_events(event: str, routing_key: str) -> None:
    assert topology.event_routing_key(event) == routing_key


def test_every_storage_operation_is_routed_to_the_storage_queue() -> None:
    [queue] = [each for each in topology.QUEUES if each.name == topology.STORAGE_QUEUE]
    [(exchange, pattern)] = queue.bindings
    assert exchange == topology.REQUESTS
    for operation in (topology.STORE, topology.RETRIEVE, topology.DELETE, topology.LIST):
        assert topology.matches(pattern, operation)


def test_queue_names_are_unique() -> None:
    names = [queue.name for queue in topology.QUEUES]
    assert len(names) == len(set(names))
