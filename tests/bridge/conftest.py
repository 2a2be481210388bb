"""A service with its bridge on RabbitMQ, and a client that knows only AMQP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from image_grpc_testkit.servers.rabbitmq import Node
from tests.bridge.plain import PlainClient, plain_client
from tests.service import Service, service


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The service and the client that the tests of a module share."""

    url: str
    """URL of the broker, with the module's own virtual host."""
    service: Service
    """All programs in one process, including the bridge."""
    client: PlainClient


@pytest.fixture(scope="module")
def other_host(node: Node) -> str:
    """URL of a virtual host without the bridge of `scene`."""
    return node.add_virtual_host()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(host: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("bridge")
    async with service(folder, hub_url=host) as running, plain_client(host) as client:
        yield Scene(url=host, service=running, client=client)
