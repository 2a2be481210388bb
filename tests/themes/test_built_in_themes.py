"""The themes that come with the service."""

from __future__ import annotations

import pytest
from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.themes import built_in_themes
from image_grpc.validation import violations

every_theme = pytest.mark.parametrize("theme", built_in_themes().values(), ids=lambda theme: theme.name)


def test_there_are_six_in_the_order_of_their_names() -> None:
    assert list(built_in_themes()) == ["cyberpunk", "fantasy", "horror", "space_fantasy", "steampunk", "western"]


@every_theme
def test_a_theme_names_all_its_style_elements(theme: Theme) -> None:
    assert len(theme.elements.ListFields()) == 6
    assert theme.display_name
    assert theme.description
    assert theme.built_in


@every_theme
def test_a_theme_keeps_the_rules_of_its_contract(theme: Theme) -> None:
    assert violations(theme) == []


@pytest.mark.parametrize("element", [field.name for field in Theme().elements.DESCRIPTOR.fields])
def test_no_two_themes_look_alike(element: str) -> None:
    phrases = [getattr(theme.elements, element) for theme in built_in_themes().values()]
    assert len(set(phrases)) == len(phrases)
