"""The hub on RabbitMQ keeps the hub's contract."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aio_pika
import pytest

from image_grpc.errors import HubError
from image_grpc.hub import amqp, topology
from image_grpc.hub.amqp import AmqpHub
from tests.contracts.hub_bench import Features
from tests.contracts.hub_contract import HubContract
from tests.servers import Node, rabbitmq


class AmqpBroker:
    """A RabbitMQ node, and a hub on it."""

    features = Features(
        durable=True, connection_can_be_lost=True, shortest_retry_seconds=float(topology.RETRY_STEPS[0])
    )

    def __init__(self, node: Node) -> None:
        self._node, self._url = node, node.url
        self.hub = AmqpHub(node.url)
        self._own: Any = None

    async def start(self) -> None:
        await self.hub.start()
        self._own = await aio_pika.connect_robust(self._url, reconnect_interval=1)

    async def close(self) -> None:
        await self.hub.close()
        channel = await self._own.channel()
        await (await channel.get_queue(topology.DEAD_QUEUE)).purge()
        await self._own.close()

    async def declare(self, queue: topology.Queue) -> None:
        await amqp.declare(await self._own.channel(), queue)

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        channel = await self._own.channel()
        await channel.default_exchange.publish(aio_pika.Message(body, content_type=content_type), queue)

    async def reopen(self) -> None:
        await self.hub.close()
        self.hub = AmqpHub(self._url)
        await self.hub.start()

    async def lose_connection(self) -> None:
        await asyncio.to_thread(self._node.control, "close_all_connections", "test")


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


class TestAmqpHub(HubContract):
    """The contract."""


async def test_a_broker_that_has_other_arguments_is_told_with_all_differences(node: Node) -> None:
    host = f"other{uuid.uuid4().hex}"
    await asyncio.to_thread(node.control, "add_vhost", host)
    await asyncio.to_thread(node.control, "set_permissions", "--vhost", host, "guest", ".*", ".*", ".*")
    url = node.url + host
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(topology.STORE_QUEUE, durable=True)
        await channel.declare_exchange(topology.EVENTS, aio_pika.ExchangeType.FANOUT, durable=True)
    hub = AmqpHub(url)
    with pytest.raises(HubError) as refused:
        await hub.start()
    assert topology.STORE_QUEUE in refused.value.message
    assert topology.EVENTS in refused.value.message
    assert topology.STORAGE_QUEUE not in refused.value.message


async def test_starting_again_on_the_same_broker_changes_nothing(broker: AmqpBroker) -> None:
    await broker.reopen()
    assert broker.hub.connected


async def test_no_broker_is_told_at_once() -> None:
    with pytest.raises(HubError, match="no connection"):
        await AmqpHub("amqp://127.0.0.1:1/").start()
