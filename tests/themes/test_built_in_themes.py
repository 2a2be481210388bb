"""The built-in themes: their order, completeness and validity."""

from __future__ import annotations

import pytest
from tabletop.image.v1.theme_pb2 import Theme

from image_grpc.themes.catalog import built_in_themes
from image_grpc.validation import find_violations

every_theme = pytest.mark.parametrize("theme", built_in_themes().values(), ids=lambda theme: theme.name)


def test_the_themes_are_sorted_by_name() -> None:
    names = ["cyberpunk", "fantasy", "horror", "space_fantasy", "steampunk", "western"]
    assert list(built_in_themes()) == names


@every_theme
def test_a_theme_has_all_texts(theme: Theme) -> None:
    assert len(theme.elements.ListFields()) == 6
    assert theme.display_name
    assert theme.description
    assert theme.built_in


@every_theme
def test_a_theme_follows_the_contracts_rules(theme: Theme) -> None:
    assert find_violations(theme) == []


@pytest.mark.parametrize("element", [field.name for field in Theme().elements.DESCRIPTOR.fields])
def test_no_two_themes_share_the_text_of_an_element(element: str) -> None:
    texts = [getattr(theme.elements, element) for theme in built_in_themes().values()]
    assert len(set(texts)) == len(texts)
