"""Prompts for restyling, and the parts that prompts consist of."""

from __future__ import annotations

import pytest
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest
from tabletop.image.v1.theme_pb2 import Theme, ThemeElement

from image_grpc.generation import prompts
from image_grpc.themes.catalog import built_in_themes

OLD, NEW = built_in_themes()["fantasy"], built_in_themes()["cyberpunk"]


def test_parts_are_joined_without_empty_ones() -> None:
    assert prompts.join_parts(["One.", "", "Two."], "") == "One. Two."
    assert prompts.join_parts(["One."], " more. ") == "One. Also: more."


@pytest.mark.parametrize(
    ("strength", "phrase"),
    [
        (1.0, "in full: strength 1 of 1"),
        (0.8, "in full: strength 0.8 of 1"),
        (0.79, "clearly: strength 0.79"),
        (0.5, "clearly: strength 0.5"),
        (0.2, "gently: strength 0.2"),
        (0.19, "with no more than a hint of it: strength 0.19"),
        (0.0, "with no more than a hint of it: strength 0 of 1"),
    ],
)
def test_a_restyling_prompt_contains_the_strength(strength: float, phrase: str) -> None:
    prompt = prompts.restyle("A tower.", NEW, ApplyThemeRequest(strength=strength))
    assert prompt.startswith(f"Redraw the reference picture in {NEW.display_name} style, {phrase}")
    assert prompt.endswith(" A tower.")


def test_a_theme_is_applied_in_full_by_default() -> None:
    assert prompts.applied_strength(ApplyThemeRequest()) == 1.0
    assert prompts.applied_strength(ApplyThemeRequest(strength=0)) == 0.0


def test_the_mood_comes_last() -> None:
    request = ApplyThemeRequest(style={"atmosphere": "dread"})
    assert prompts.restyle("A tower.", NEW, request).endswith(" A tower. Mood: dread.")


def test_without_elements_the_whole_new_theme_applies() -> None:
    blended = prompts.blend_themes(OLD, NEW, ApplyThemeRequest())
    assert blended == Theme(name=NEW.name, display_name=NEW.display_name, elements=NEW.elements)


def test_elements_that_are_not_applied_stay_those_of_the_old_theme() -> None:
    request = ApplyThemeRequest(elements=[ThemeElement.THEME_ELEMENT_CLOTHING])
    blended = prompts.blend_themes(OLD, NEW, request)
    assert blended.display_name == NEW.display_name
    assert blended.elements.clothing == NEW.elements.clothing
    blended.elements.clothing = OLD.elements.clothing
    assert blended.elements == OLD.elements


@pytest.mark.parametrize("elements", [[], [ThemeElement.THEME_ELEMENT_LIGHTING]])
def test_the_style_of_the_request_overrides_the_theme(elements: list[ThemeElement]) -> None:
    request = ApplyThemeRequest(elements=elements, style={"color_scheme": "teal", "lighting": "candles"})
    blended = prompts.blend_themes(OLD, NEW, request)
    assert (blended.elements.color_scheme, blended.elements.lighting) == ("teal", "candles")


def test_blending_leaves_both_themes_unchanged() -> None:
    themes = [Theme.FromString(theme.SerializeToString()) for theme in (OLD, NEW)]
    prompts.blend_themes(OLD, NEW, ApplyThemeRequest(elements=[1], style={"lighting": "candles"}))
    assert themes == [OLD, NEW]


def test_a_sentence_has_one_period_and_none_without_text() -> None:
    assert prompts.labeled("Land", "hills.") == prompts.labeled("Land", "hills") == "Land: hills."
    assert prompts.labeled("Land", "") == ""


@pytest.mark.parametrize(
    ("name", "properties", "text"),
    [("cave", {"b": "2", "a": "1"}, "cave (a 1, b 2)"), ("cave", {}, "cave"), ("", {"a": "1"}, "a 1"), ("", {}, "")],
)
def test_properties_follow_a_name_in_parentheses(name: str, properties: dict[str, str], text: str) -> None:
    assert prompts.with_properties(name, properties) == text
