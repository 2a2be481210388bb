"""The hub on RabbitMQ. Written for 4.x, works on 3.10.

Publishing and consuming use separate connections, because an alarm of the broker blocks publishing ones. The
topology is declared once, on a third connection; consumers look their queues up, and a watchdog restores missing
consumers.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from aio_pika.abc import AbstractRobustConnection
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub.amqp.connection import close, connect, connect_robust, translated_errors
from image_grpc.hub.amqp.consumers import Consumers, QueueConsumer
from image_grpc.hub.amqp.declarations import declare_topology
from image_grpc.hub.amqp.depths import QueueDepths
from image_grpc.hub.amqp.exclusive_queues import ExclusiveQueues, Subscription
from image_grpc.hub.amqp.forwarder import Forwarder
from image_grpc.hub.amqp.messages import publication
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.amqp.requester import Requester
from image_grpc.hub.amqp.watchdog import Watchdog
from image_grpc.hub.port import Delivery, Handler, Outcome

START_SECONDS = 60.0


class AmqpHub:
    """Implements `hub.port.Hub`."""

    durable = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._resources = AsyncExitStack()
        self._connection: AbstractRobustConnection | None = None
        self._publisher: Publisher
        self._requester: Requester
        self._queues: ExclusiveQueues
        self._consumers: Consumers
        self._depths: QueueDepths
        self._watchdog: Watchdog

    @property
    def connected(self) -> bool:
        if self._connection is None:
            return False
        return self._connection.connected.is_set() and self._queues.consuming and not self._watchdog.missing

    async def start(self) -> None:
        with translated_errors():
            try:
                async with asyncio.timeout(START_SECONDS):
                    await self._open()
            except BaseException:
                await self.close()
                raise

    async def _open(self) -> None:
        async with await connect(self._url, "topology") as connection:
            await declare_topology(connection)
        publishing = await self._connect("publishing")
        consuming = await self._connect("consuming")
        self._publisher = await Publisher.open(publishing)
        self._queues = ExclusiveQueues(consuming)
        self._requester = Requester(self._publisher, self._queues)
        self._consumers = Consumers(consuming, Forwarder(self._publisher))
        self._depths = QueueDepths(await consuming.channel())
        await self._queues.start()
        self._watchdog = Watchdog(consuming, lambda: [self._queues, *self._consumers.running])
        watching = asyncio.create_task(self._watchdog.run(), name="consumer watchdog")
        self._resources.push_async_callback(asyncio.wait, [watching])
        self._resources.callback(watching.cancel)
        self._connection = publishing

    async def _connect(self, purpose: str) -> AbstractRobustConnection:
        connection = await connect_robust(self._url, purpose)
        self._resources.push_async_callback(close, connection)
        return connection

    async def close(self) -> None:
        await self._resources.aclose()

    async def publish(self, message: OutboundMessage, *, timeout: float, reply_to: str = "") -> Outcome:
        return await self._publisher.publish(publication(message, reply_to=reply_to), timeout=timeout)

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        return await self._requester.request(message, timeout=timeout)

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        await self._requester.reply(delivery, envelope, timeout=timeout)

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> QueueConsumer:
        return await self._consumers.start(queue, handler, concurrency=concurrency)

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Subscription:
        return await self._queues.subscribe(routing_keys, handler, on_gap=on_gap)

    async def depth(self, queue: str) -> int:
        return await self._depths.depth(queue)
