"""A hub on RabbitMQ for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from image_grpc_testkit.servers.rabbitmq import Node
from tests.hub.amqp.broker import AmqpBroker


@pytest.fixture
async def broker(node: Node, host: str) -> AsyncIterator[AmqpBroker]:
    broker = AmqpBroker(node, host)
    await broker.start()
    yield broker
    await broker.close()
