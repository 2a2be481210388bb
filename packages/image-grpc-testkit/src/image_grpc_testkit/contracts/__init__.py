"""Suites that every implementation of a port or a contract must pass; the modules of each one run them."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{each.stem}" for each in Path(__file__).parent.glob("*.py") if each.stem != "__init__")
)
