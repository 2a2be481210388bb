"""What the prompts of all kinds have in common."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.themes.catalog import built_in_themes
from tests.generation.builders import campaign_map, item, portrait, tactical_map
from tests.generation.kinds.prompts import prompt_of

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
"""Per kind: the builder of its request, how its prompt starts, and the theme elements that apply to it."""
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("theme", built_in_themes().values(), ids=lambda theme: theme.name)
@every_kind
def test_a_prompt_contains_the_kind_the_theme_and_the_elements_that_apply(kind: str, theme: Theme) -> None:
    request, start, elements = KINDS[kind]
    prompt = prompt_of(request(theme=theme.name), theme)
    assert prompt.startswith(start)
    assert f"in {theme.display_name} style" in prompt
    for element in elements:
        assert getattr(theme.elements, element) in prompt, element


@every_kind
def test_missing_values_leave_no_trace_in_the_prompt(kind: str) -> None:
    request, _, _ = KINDS[kind]
    prompt = prompt_of(request())
    assert not re.search(r": *\.|  |\(\)|None", prompt)
    for label in ("It shows", "Terrain", "Places", "Scale", "Traits", "Equipment", "Pose", "Material", "Also"):
        assert f"{label}:" not in prompt
    plain = Theme(name="plain_theme")
    assert ": ." not in prompt_of(request(), plain)
    assert "in plain theme style" in prompt_of(request(), plain)


@every_kind
def test_details_come_last(kind: str) -> None:
    request, _, _ = KINDS[kind]
    prompt = prompt_of(request(details="  two moons above the pass.  "))
    assert prompt.endswith(" Also: two moons above the pass.")
    assert prompt_of(request(details="   ")) == prompt_of(request())


@every_kind
def test_a_prompt_excludes_grid_text_and_frame(kind: str) -> None:
    request, _, _ = KINDS[kind]
    prompt = prompt_of(request()).lower()
    assert "no text" in prompt
    assert "no border" in prompt or "no frame" in prompt
    if "map" in kind:
        assert "no grid" in prompt
        assert "no labels" in prompt


@every_kind
def test_a_theme_without_a_display_name_goes_by_its_name(kind: str) -> None:
    request: Any = KINDS[kind][0]
    assert "in dark moon style" in prompt_of(request(), Theme(name="dark_moon"))
