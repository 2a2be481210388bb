"""Settings and servers of all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from image_grpc import pictures
from image_grpc.maps import fonts
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


# Thousands of tests import and build much that lives on: looking at it again and again takes a tenth of the time.
gc.set_threshold(50_000, 20, 50)

SLOW = (
    "tests/plans/test_painting",
    "tests/cli",
    "tests/bridge",
    "tests/hub/amqp",
    "tests/access/test_audit",
    "tests/generation/test_faults",
    "tests/storage_service",
    "tests/test_wheels",
    "tests/plans",
    "packages",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first, so that no worker is left with one at the end."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((index for index, prefix in enumerate(SLOW) if item.nodeid.startswith(prefix)), len(SLOW))


@pytest.fixture(scope="session", autouse=True)
def _configured() -> None:
    """Configure what the composition root configures when the server starts."""
    pictures.configure()
    fonts.configure()


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A RabbitMQ node for all tests of a worker that do not stop it; each file uses its own virtual host."""
    with rabbitmq() as running:
        yield running
