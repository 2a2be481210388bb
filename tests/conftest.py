"""Settings of all tests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from image_grpc import pictures
from image_grpc.maps import fonts

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def _configured() -> None:
    """Configure what the composition root configures when the server starts."""
    pictures.configure()
    fonts.configure()
