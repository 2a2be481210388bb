"""A virtual host of RabbitMQ under test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel

from image_grpc.hub import amqp, topology
from image_grpc.hub.amqp import AmqpHub
from image_grpc.retry import LADDER
from image_grpc_testkit.contracts.hub_testkit import TIMEOUT_SECONDS, Features
from image_grpc_testkit.servers.rabbitmq import Node


class AmqpBroker:
    """A virtual host of a RabbitMQ node, and a hub on it. Implements `hub_testkit.Broker`."""

    features = Features(durable=True, connection_can_be_lost=True, shortest_retry_seconds=LADDER.steps[0])

    def __init__(self, node: Node, url: str) -> None:
        self._node, self._url, self._host = node, url, url.rpartition("/")[2]
        self.hub = AmqpHub(url)

    async def start(self) -> None:
        await self.hub.start()

    async def close(self) -> None:
        await self.hub.close()
        async with self._channel() as channel:
            await (await channel.get_queue(topology.DEAD_QUEUE)).purge()

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """Open a channel on a new connection, which `lose_connection` cannot have broken."""
        async with await aio_pika.connect(self._url, timeout=TIMEOUT_SECONDS) as connection:
            yield await connection.channel()

    async def declare(self, queue: topology.Queue) -> None:
        async with self._channel() as channel:
            await amqp.declare(channel, queue)

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        await self.publish_raw(queue, aio_pika.Message(body, content_type=content_type))

    async def publish_raw(self, queue: str, message: aio_pika.Message) -> None:
        """Put a message into a queue unchanged."""
        async with self._channel() as channel:
            await channel.default_exchange.publish(message, queue)

    async def receive_and_requeue(self, queue: str, *, times: int) -> None:
        """Receive a message and requeue it, as consumers do that crash."""
        async with self._channel() as channel:
            declared = await channel.get_queue(queue)
            async with declared.iterator() as messages:
                async for message in messages:
                    await message.nack(requeue=True)
                    if (times := times - 1) == 0:
                        return

    async def reopen(self) -> None:
        await self.hub.close()
        self.hub = AmqpHub(self._url)
        await self.hub.start()

    async def exists(self, queue: str) -> bool:
        async with self._channel() as channel:
            try:
                await channel.declare_queue(queue, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return False
        return True

    async def lose_connection(self) -> None:
        own = f'[{{pid, C}}, {{vhost, <<"{self._host}">>}}] <- rabbit_networking:connection_info_all([pid, vhost])'
        await asyncio.to_thread(self._node.evaluate, f'[rabbit_networking:close_connection(C, "test") || {own}]')

    async def delete(self, queue: str) -> None:
        """Delete a queue. The broker notifies its consumers."""
        async with self._channel() as channel:
            await channel.queue_delete(queue)

    async def delete_exchange(self, exchange: str) -> None:
        async with self._channel() as channel:
            await channel.exchange_delete(exchange)

    async def bindings(self) -> set[str]:
        """Return the bindings of all queues as text."""
        return await asyncio.to_thread(self._node.bindings, self._host)

    async def forget_consumers(self, queue: str) -> None:
        """Close the channels that consume the queue without notifying their client."""
        await self._each_queue(queue, "[rabbit_channel:shutdown(element(1, C)) || C <- rabbit_amqqueue:consumers(Q)]")

    async def delete_exclusive_queues(self) -> None:
        """Delete queues that only their owner's connection may delete."""
        for prefix in ("image.reply.", "image.changes."):
            await self._each_queue(prefix, 'rabbit_amqqueue:delete(Q, false, false, <<"test">>)')

    async def _each_queue(self, prefix: str, code: str) -> None:
        """Run Erlang code within the broker for each queue Q whose name has the prefix."""
        condition = f'string:prefix(element(4, amqqueue:get_name(Q)), "{prefix}") =/= nomatch'
        loop = f'[{code} || Q <- rabbit_amqqueue:list(<<"{self._host}">>), {condition}]'
        await asyncio.to_thread(self._node.evaluate, loop)
