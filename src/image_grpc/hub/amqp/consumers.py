"""Consumers of shared queues."""

import asyncio
import contextlib

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection

from image_grpc.hub import topology
from image_grpc.hub.amqp.connection import CONNECTION_ERRORS
from image_grpc.hub.amqp.forwarder import Forwarder
from image_grpc.hub.amqp.messages import incoming_message
from image_grpc.hub.amqp.watchdog import consumer_exists
from image_grpc.hub.handling import handle_message
from image_grpc.hub.port import DeadLetter, Handler, Retry, Settlement, Unreadable

log = structlog.get_logger(__name__)

REQUEUE_DELAY_SECONDS = 1.0


class QueueConsumer:
    """Consumes one queue on a channel of its own."""

    def __init__(
        self,
        connection: AbstractRobustConnection,
        forwarder: Forwarder,
        queue: str,
        handler: Handler,
        *,
        concurrency: int,
    ) -> None:
        self._connection, self._forwarder = connection, forwarder
        self.name, self._handler, self._concurrency = queue, handler, concurrency
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel: AbstractChannel
        self._tag = ""
        self.stopped = False

    async def start(self) -> None:
        self._channel = await self._connection.channel()
        await self._channel.set_qos(prefetch_count=self._concurrency)
        queue = await self._channel.get_queue(self.name)
        self._tag = await queue.consume(self._receive)

    async def is_consuming(self, probe: AbstractChannel) -> bool:
        return await consumer_exists(probe, self._channel, self.name, self._tag)

    async def restore(self) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._channel.close()  # handlers go on; their messages are redelivered
        await self.start()
        if self.stopped:  # meanwhile
            await self._channel.close()

    async def stop(self, grace: float) -> None:
        self.stopped = True
        # In an ordered queue, the next consumer must not overtake the messages that this one will requeue.
        if not topology.is_ordered(self.name):
            with contextlib.suppress(*CONNECTION_ERRORS):
                queue = await self._channel.get_queue(self.name, ensure=False)
                await queue.cancel(self._tag)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self._channel.close()  # requeues unsettled messages

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        if self.stopped:
            return
        # A task of our own: aio-pika cancels its tasks when the connection breaks, but a handler must finish what
        # it started and may have paid for.
        task = asyncio.create_task(self._handle(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: AbstractIncomingMessage) -> None:
        try:
            settlement = await handle_message(self._handler, incoming_message(message, self.name))
            await self._settle(message, settlement)
        except Exception:  # an unsettled message would occupy its slot forever
            log.exception("message not settled", queue=self.name)
            await asyncio.sleep(REQUEUE_DELAY_SECONDS)
            with contextlib.suppress(*CONNECTION_ERRORS):
                await message.nack(requeue=True)

    async def _settle(self, message: AbstractIncomingMessage, settlement: Settlement) -> None:
        """Acknowledge a message once its settlement is durable; requeue it otherwise."""
        if isinstance(settlement, Unreadable) and message.reply_to:
            await self._forwarder.reject(message, settlement.reason)
        match settlement:
            case Retry(delay=delay):
                settled = await self._forwarder.retry(message, self.name, delay)
            case DeadLetter(reason=reason):
                settled = await self._forwarder.dead_letter(message, self.name, reason)
            case _:
                settled = True
        with contextlib.suppress(*CONNECTION_ERRORS):  # a broken channel has requeued the message
            if settled:
                await message.ack()
            else:
                await message.nack(requeue=True)


class Consumers:
    """Starts the consumers of one connection and keeps track of those that have not been stopped."""

    def __init__(self, connection: AbstractRobustConnection, forwarder: Forwarder) -> None:
        self._connection, self._forwarder = connection, forwarder
        self._consumers: list[QueueConsumer] = []

    async def start(self, queue: str, handler: Handler, *, concurrency: int) -> QueueConsumer:
        consumer = QueueConsumer(self._connection, self._forwarder, queue, handler, concurrency=concurrency)
        await consumer.start()
        self._consumers.append(consumer)
        return consumer

    @property
    def running(self) -> list[QueueConsumer]:
        """Consumers that have not been stopped."""
        self._consumers = [consumer for consumer in self._consumers if not consumer.stopped]
        return self._consumers
