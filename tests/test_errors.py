from __future__ import annotations

import re

import pytest

from image_grpc import errors
from image_grpc.errors import InvalidArgument, InvalidTheme, ServiceError, Violation


def of_module() -> dict[str, type[ServiceError]]:
    kinds = (each for each in vars(errors).values() if isinstance(each, type))
    return {kind.__name__: kind for kind in kinds if issubclass(kind, ServiceError)}


def drawn() -> dict[str, tuple[int, str]]:
    """The tree in the docstring: for each name its depth and its reason, empty for a base."""
    tree: dict[str, tuple[int, str]] = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z][A-Za-z]+)(?: +([A-Z_]+)(?: |$))?", line):
            tree[found[2]] = (len(found[1]) // 4, found[3] or "")
    return tree


def test_the_tree_drawn_in_the_docstring_has_every_error() -> None:
    assert sorted(drawn()) == sorted(of_module())


@pytest.mark.parametrize("name", sorted(of_module()))
def test_the_tree_is_drawn_as_it_is(name: str) -> None:
    kind, (depth, reason) = of_module()[name], drawn()[name]
    assert depth == kind.__mro__.index(ServiceError)
    assert reason == getattr(kind, "reason", "")


def test_violations_of_the_theme_alone_are_an_invalid_theme() -> None:
    theme, size = Violation("theme", "there is none"), Violation("size.width", "must be more")
    assert type(InvalidArgument.of([theme])) is InvalidTheme
    assert type(InvalidArgument.of([theme, size])) is InvalidArgument
    assert type(InvalidArgument.of([size])) is InvalidArgument


def test_the_message_names_what_is_wrong_and_how_much_more() -> None:
    many = [Violation(f"field_{index}", "is wrong") for index in range(12)]
    error = InvalidArgument.of(many)
    assert "field_0: is wrong; field_1: is wrong" in error.message
    assert "field_10" not in error.message
    assert error.message.endswith("(and 2 more)")
    assert len(error.violations) == 12
