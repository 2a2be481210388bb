"""A RabbitMQ node for all tests, and a hub on it for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from image_grpc_testkit.servers import Node, rabbitmq
from tests.hub.amqp.broker import AmqpBroker


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with rabbitmq() as running:
        yield running


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[AmqpBroker]:
    broker = AmqpBroker(node)
    await broker.start()
    yield broker
    await broker.close()
