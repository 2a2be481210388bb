"""What the model is told to draw."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.generation import built_in
from image_grpc.generation.kinds import normalise
from image_grpc.generation.prompts import prompt
from image_grpc.settings import ServerSettings, load
from tests.service import campaign_map, item, portrait, tactical_map

SETTINGS = load(ServerSettings)
FANTASY = built_in()["fantasy"]

KINDS = {
    "tactical map": (
        tactical_map,
        "Tactical battle map",
        ["architecture", "environment", "technology", "color_scheme", "lighting"],
    ),
    "campaign map": (
        campaign_map,
        "Campaign map of a region",
        ["architecture", "environment", "color_scheme", "lighting"],
    ),
    "portrait": (
        portrait,
        "Character portrait of a hero",
        ["clothing", "technology", "environment", "color_scheme", "lighting"],
    ),
    "item": (item, "Item illustration of an object", ["technology", "color_scheme", "lighting"]),
}
"""For each kind its request, how its prompt begins, and the style elements that apply to it."""


def prompt_of(request: Any, theme: Theme = FANTASY) -> str:
    return prompt(normalise(request, SETTINGS), theme)


@pytest.mark.parametrize("theme", built_in().values(), ids=lambda theme: theme.name)
@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_names_the_kind_the_theme_and_the_style_that_applies(kind: str, theme: Theme) -> None:
    request, phrase, elements = KINDS[kind]
    text = prompt_of(request(theme=theme.name), theme)
    assert text.startswith(phrase)
    assert f"in {theme.display_name} style" in text
    for element in elements:
        assert getattr(theme.elements, element) in text, element


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_asked_for_is_not_spoken_of(kind: str) -> None:
    request, _, _ = KINDS[kind]
    text = prompt_of(request())
    assert not re.search(r": *\.|  |\(\)|None", text)
    for label in ("It shows", "Terrain", "Places", "Scale", "Traits", "Equipment", "Pose", "Material", "Also"):
        assert f"{label}:" not in text
    plain = Theme(name="plain_theme")
    assert ": ." not in prompt_of(request(), plain)
    assert "in plain theme style" in prompt_of(request(), plain)


@pytest.mark.parametrize("kind", KINDS)
def test_details_come_last(kind: str) -> None:
    request, _, _ = KINDS[kind]
    assert prompt_of(request(details="  two moons above the pass.  ")).endswith(" Also: two moons above the pass.")
    assert prompt_of(request(details="   ")) == prompt_of(request())


@pytest.mark.parametrize("kind", KINDS)
def test_no_grid_text_or_frame_is_drawn_into_the_picture(kind: str) -> None:
    request, _, _ = KINDS[kind]
    text = prompt_of(request()).lower()
    assert "no text" in text
    assert ("no border" in text) or ("no frame" in text)
    if "map" in kind:
        assert "no grid" in text
        assert "no labels" in text


def test_a_tactical_map_tells_terrain_and_features() -> None:
    request = tactical_map(
        terrain={"type": "dungeon", "properties": {"floor": "wet stone", "ceiling": "low"}},
        features=["stone altar", "pit trap"],
    )
    text = prompt_of(request)
    assert "Terrain: dungeon (ceiling low, floor wet stone)." in text
    assert "It shows: stone altar, pit trap." in text


def test_terrain_may_be_half_told() -> None:
    assert "Terrain: forest." in prompt_of(tactical_map(terrain={"type": "forest"}))
    assert "Terrain: floor mud." in prompt_of(tactical_map(terrain={"properties": {"floor": "mud"}}))


def test_a_grid_and_walls_are_data_and_not_drawn() -> None:
    wall = {"start": {"x": 1, "unit": 2}, "end": {"x": 2, "unit": 2}}
    assert prompt_of(tactical_map(grid={"enabled": True}, walls=[wall])) == prompt_of(tactical_map())


def test_a_campaign_map_tells_features_and_kinds_of_places_but_no_names() -> None:
    request = campaign_map(
        features=["river delta"],
        points_of_interest=[
            {"type": "town", "name": "Hommlet"},
            {"type": "town", "name": "Nulb"},
            {"icon": "tower"},
            {"name": "Nowhere"},
        ],
        scale={"unit": "miles", "value": 6},
    )
    text = prompt_of(request)
    assert "It shows: river delta." in text
    assert "Places: town, tower." in text
    assert "miles across" in text
    assert "Hommlet" not in text


def test_a_portrait_tells_who_it_is() -> None:
    request = portrait(
        species="half-elf",
        character_class="ranger",
        traits=["scar over the left eye", "grey hair"],
        style={"pose": "arms crossed", "background": "a cave", "lighting": "candle light"},
        equipment={"visible": True, "items": ["longbow", "dagger"]},
    )
    text = prompt_of(request)
    for told in (
        "Character: half-elf ranger.",
        "Traits: scar over the left eye, grey hair.",
        "Equipment: longbow, dagger.",
        "Pose: arms crossed.",
        "Background: a cave.",
        "Lighting: candle light.",
    ):
        assert told in text
    assert FANTASY.elements.lighting not in text, "the caller's light goes before the theme's"


def test_equipment_that_is_not_visible_is_not_drawn() -> None:
    assert "longbow" not in prompt_of(portrait(equipment={"items": ["longbow"]}))


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("CHARACTER_KIND_UNSPECIFIED", "a hero"),
        ("CHARACTER_KIND_PLAYER_CHARACTER", "a hero"),
        ("CHARACTER_KIND_NPC", "a person of the world"),
        ("CHARACTER_KIND_MONSTER", "a monster"),
    ],
)
def test_a_portrait_is_of_a_hero_a_person_or_a_monster(kind: str, who: str) -> None:
    assert prompt_of(portrait(kind=kind)).startswith(f"Character portrait of {who} ")


def test_an_item_tells_what_it_is_like() -> None:
    request = item(
        type="ITEM_TYPE_WEAPON",
        name="longsword",
        style={"angle": "from the side", "lighting": "moonlight", "detail_level": "high"},
        properties={"material": "silver", "magical_effects": ["glowing runes", "frost"], "wear_state": "battered"},
    )
    text = prompt_of(request)
    for told in (
        "illustration of a weapon ",
        "Item: longsword.",
        "Material: silver.",
        "Magical effects: glowing runes, frost.",
        "Condition: battered.",
        "Seen: from the side.",
        "Level of detail: high.",
        "Lighting: moonlight.",
    ):
        assert told in text


def test_a_theme_without_a_display_name_is_called_by_its_name() -> None:
    assert "in dark_moon" not in prompt_of(item(), Theme(name="dark_moon"))
    assert "in dark moon style" in prompt_of(item(), Theme(name="dark_moon"))
