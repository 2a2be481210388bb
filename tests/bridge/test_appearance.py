"""Which changes of a character are visible in its portraits, and how they change a portrait's parameters."""

from __future__ import annotations

from tabletop.image.v1.generation_request_pb2 import Equipment, GeneratePortraitRequest

from image_grpc.bridge import appearance
from image_grpc.hub.envelope import JsonValue


def test_only_appearance_and_equipment_are_visible() -> None:
    changes: dict[str, JsonValue] = {
        "appearance": {"hair": "red"},
        "equipment": ["bow"],
        "age": 40,
        "gold": 3,
        "spells": ["light"],
    }
    assert appearance.visible_changes(changes) == {"hair": "red", "equipment": ["bow"], "age": 40}


def test_details_about_changed_properties_are_replaced() -> None:
    current = GeneratePortraitRequest(details="On a cliff.\nhair: black\nage: 39")
    changes: dict[str, JsonValue] = {
        "hair": "silver",
        "armor": {"name": "chain mail"},
        "tattoos": ["dragon", "rose"],
        "beard": False,
    }
    portrait, mask = appearance.apply_changes(current, changes)
    assert portrait.details.splitlines() == [
        "On a cliff.",
        "age: 39",
        "hair: silver",
        "armor: chain mail",
        "tattoos: dragon, rose",
        "beard: no",
    ]
    assert list(mask.paths) == ["details"]
    assert appearance.apply_changes(portrait, changes)[0] == portrait


def test_changes_with_a_parameter_of_their_own_set_it() -> None:
    current = GeneratePortraitRequest(species="elf", equipment=Equipment(visible=False, items=["bow"]))
    changes: dict[str, JsonValue] = {
        "race": "orc",
        "traits": ["scar"],
        "items": [{"name": "axe"}, "x" * 300, ""],
        "visible": True,
    }
    portrait, mask = appearance.apply_changes(current, changes)
    assert portrait.species == "orc"
    assert list(portrait.traits) == ["scar"]
    assert list(portrait.equipment.items) == ["axe", "x" * 200]
    assert portrait.equipment.visible
    assert list(mask.paths) == ["equipment", "species", "traits"]


def test_details_keep_their_maximum_length() -> None:
    portrait, _ = appearance.apply_changes(GeneratePortraitRequest(details="x" * 2000), {"hair": "silver"})
    assert len(portrait.details) == 2000
    assert portrait.details.endswith("\nhair: silver")
