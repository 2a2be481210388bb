"""Settings and servers of all tests."""

from __future__ import annotations

import gc
from contextlib import ExitStack

import pytest
import structlog
from hypothesis import HealthCheck, settings

from image_grpc import pictures
from image_grpc.maps import fonts
from image_grpc_testkit.servers.rabbitmq import Node, shared_rabbitmq

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


# Thousands of tests import and build much that lives on: looking at it again and again takes a tenth of the time.
gc.set_threshold(50_000, 20, 50)

_SHARED = ExitStack()
"""What is shared with other workers."""

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


def pytest_collection_finish() -> None:
    """Leave what exists before the first test out of garbage collections: modules and tests live on."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _configured() -> None:
    """Configure what the composition root configures when the server starts."""
    pictures.configure()
    fonts.configure()
    # The default formats local variables, which takes a second for a long traceback.
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session")
def node(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A RabbitMQ node for all tests that do not stop it. Each file, or test, uses a virtual host of its own."""
    folder = tmp_path_factory.getbasetemp()
    return _SHARED.enter_context(shared_rabbitmq(folder if worker_id == "master" else folder.parent))


@pytest.fixture(scope="module")
def host(node: Node) -> str:
    """URL of the module's own virtual host."""
    return node.add_virtual_host()


def pytest_sessionfinish() -> None:
    """Leave what workers share: outside of tests, whose time is limited, as this may wait for other workers."""
    _SHARED.close()
