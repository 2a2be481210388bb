"""What takes messages: consumers of shared queues, and subscriptions with a queue of their own."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustChannel
from aio_pika.exceptions import AMQPError

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.messages import (
    attempt_of,
    headers_for_handler,
    properties_of,
    routing_key_of,
    seconds_left,
)
from image_grpc.hub.handling import settlement_of
from image_grpc.hub.port import Ack, DeadLetter, Delivery, Handler, Retry, Settlement

BROKEN = (AMQPError, OSError, RuntimeError)
"""What a call raises when its channel or connection has gone."""


class Forwarder(Protocol):
    """Passes a message on, durably; whether that is confirmed."""

    async def retry(self, message: AbstractIncomingMessage, queue: str, delay: float) -> bool:
        """Onto the retry ladder."""

    async def bury(self, message: AbstractIncomingMessage, queue: str, reason: str) -> bool:
        """To the dead letters."""


class QueueConsumer:
    """Takes messages of one queue, on a channel of its own."""

    def __init__(self, forwarder: Forwarder, channel: AbstractChannel, queue: str, handler: Handler) -> None:
        self._forwarder, self._channel, self._queue, self._handler = forwarder, channel, queue, handler
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._tag = ""

    async def start(self) -> None:
        queue = await self._channel.get_queue(self._queue)
        self._tag = await queue.consume(self._take)

    async def stop(self, grace: float) -> None:
        self._stopping = True
        with contextlib.suppress(*BROKEN):
            queue = await self._channel.get_queue(self._queue, ensure=False)
            await queue.cancel(self._tag)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*BROKEN):
            await self._channel.close()  # what is not settled goes back

    async def _take(self, message: AbstractIncomingMessage) -> None:
        if self._stopping:
            return
        # A task of our own: the client cancels those of a connection that breaks, but what a handler has begun,
        # and perhaps paid for, goes on.
        task = asyncio.create_task(self._handle_and_settle(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle_and_settle(self, message: AbstractIncomingMessage) -> None:
        await self._settle(message, await self._handle(message))

    async def _handle(self, message: AbstractIncomingMessage) -> Settlement:
        if seconds_left(message.headers) == 0:
            return Ack()  # it has expired while it waited here
        return await settlement_of(
            self._handler,
            message.body,
            message.content_type or envelopes.JSON,
            queue=self._queue,
            routing_key=routing_key_of(message),
            attempt=attempt_of(message),
            redelivered=bool(message.redelivered),
            reply_to=message.reply_to or "",
            headers=headers_for_handler(message),
            properties=properties_of(message),
        )

    async def _settle(self, message: AbstractIncomingMessage, settlement: Settlement) -> None:
        """Acknowledges a message once what shall become of it is durable; else it is delivered again."""
        match settlement:
            case Retry(delay=delay):
                settled = await self._forwarder.retry(message, self._queue, delay)
            case DeadLetter(reason=reason):
                settled = await self._forwarder.bury(message, self._queue, reason)
            case _:
                settled = True
        with contextlib.suppress(*BROKEN):  # the channel broke: it is delivered again
            if settled:
                await message.ack()
            else:
                await message.nack(requeue=True)


class Subscription:
    """A queue of this process's own, bound to events."""

    def __init__(
        self,
        routing_keys: list[str],
        handler: Callable[[Delivery], None],
        on_gap: Callable[[], None],
        forget: Callable[[Subscription], None],
    ) -> None:
        self._routing_keys, self._handler, self.on_gap, self._forget = routing_keys, handler, on_gap, forget
        self._queue: Any = None
        self._tag = ""
        self._stopped = False

    async def open(self, channel: AbstractRobustChannel) -> None:
        """Opens a queue on this channel; the one before went with its connection."""
        name = f"image.changes.{uuid.uuid4()}"
        self._queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, robust=False)
        for key in self._routing_keys:
            await self._queue.bind(topology.EVENTS, key, robust=False)
        self._tag = await self._queue.consume(self._take, no_ack=True, robust=False)

    async def stop(self, grace: float) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._forget(self)
        with contextlib.suppress(*BROKEN):
            await self._queue.cancel(self._tag)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        async def handle(delivery: Delivery) -> Settlement:
            self._handler(delivery)
            return Ack()

        if not self._stopped:
            await settlement_of(
                handle,
                message.body,
                message.content_type or envelopes.JSON,
                queue=self._queue.name,
                routing_key=message.routing_key or "",
                attempt=1,
                redelivered=False,
                reply_to="",
                headers=headers_for_handler(message),
            )
