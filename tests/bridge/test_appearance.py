"""Which changes of a character are seen in its portraits, and how they are said."""

from __future__ import annotations

from tabletop.image.v1.generation_request_pb2 import Equipment, GeneratePortraitRequest

from image_grpc.bridge import appearance


def test_only_appearance_and_equipment_are_seen() -> None:
    changes = {"appearance": {"hair": "red"}, "equipment": ["bow"], "age": 40, "gold": 3, "spells": ["light"]}
    assert appearance.seen(changes) == {"hair": "red", "equipment": ["bow"], "age": 40}


def test_changes_are_said_in_words_and_replace_what_was_said_of_the_same() -> None:
    before = GeneratePortraitRequest(details="On a cliff.\nhair: black\nage: 39")
    changes = {"hair": "silver", "armor": {"name": "chain mail"}, "tattoos": ["dragon", "rose"], "beard": False}
    after, mask = appearance.changed(before, changes)
    assert after.details.splitlines() == [
        "On a cliff.",
        "age: 39",
        "hair: silver",
        "armor: chain mail",
        "tattoos: dragon, rose",
        "beard: no",
    ]
    assert list(mask.paths) == ["details"]
    assert appearance.changed(after, changes)[0] == after


def test_what_a_portrait_has_fields_for_goes_there() -> None:
    before = GeneratePortraitRequest(species="elf", equipment=Equipment(visible=False, items=["bow"]))
    changes = {"race": "orc", "traits": ["scar"], "items": [{"name": "axe"}, "x" * 300, ""], "visible": True}
    after, mask = appearance.changed(before, changes)
    assert after.species == "orc"
    assert list(after.traits) == ["scar"]
    assert list(after.equipment.items) == ["axe", "x" * 200]
    assert after.equipment.visible
    assert list(mask.paths) == ["equipment", "species", "traits"]


def test_details_stay_within_their_bound() -> None:
    after, _ = appearance.changed(GeneratePortraitRequest(details="x" * 2000), {"hair": "silver"})
    assert len(after.details) == 2000
    assert after.details.endswith("\nhair: silver")
