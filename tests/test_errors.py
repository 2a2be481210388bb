"""Errors and what they carry."""

from __future__ import annotations

import pytest

from image_grpc.errors import ImageNotFound, InvalidArgument, InvalidTheme, ServiceError, Violation


def test_an_error_has_no_details_unless_they_are_given() -> None:
    error = ServiceError("message")
    assert (error.message, str(error)) == ("message", "message")
    assert (error.violations, error.metadata, error.retry_delay) == ((), {}, None)


def test_violations_of_themes_alone_are_an_invalid_theme() -> None:
    theme, own = Violation("theme", "does not exist"), Violation("description.theme", "does not exist")
    size, named = Violation("size.width", "must be more"), Violation("theme.name", "is invalid")
    for violations in ([theme], [own], [theme, own]):
        assert type(InvalidArgument.of(violations)) is InvalidTheme
    for violations in ([theme, size], [size], [named]):
        assert type(InvalidArgument.of(violations)) is InvalidArgument


@pytest.mark.parametrize(("count", "suffix"), [(9, ""), (10, ""), (11, " (and 1 more)"), (12, " (and 2 more)")])
def test_the_message_lists_ten_violations_and_counts_the_others(count: int, suffix: str) -> None:
    violations = [Violation(f"field_{index}", "is wrong") for index in range(count)]
    error = InvalidArgument.of(violations)
    listed = "; ".join(f"field_{index}: is wrong" for index in range(min(count, 10)))
    assert error.message == f"invalid request: {listed}{suffix}"
    assert error.violations == tuple(violations)


def test_a_missing_image_is_named_with_its_version() -> None:
    assert ImageNotFound.with_id("7").message == "image 7 does not exist"
    assert ImageNotFound.with_id("7", 3).message == "image 7 with version 3 does not exist"
    assert ImageNotFound.with_id("7", 3).metadata == {"image_id": "7"}
