"""Consumers of shared queues."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.messages import (
    attempt_of,
    deliveries_of,
    headers_for_handler,
    properties_of,
    routing_key_of,
    seconds_left,
)
from image_grpc.hub.handling import settlement_of
from image_grpc.hub.port import Ack, DeadLetter, Handler, Retry, Settlement, Unreadable

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
BROKEN = (AMQPError, OSError, RuntimeError)
"""What a call raises when its channel or connection has gone."""


async def exists(probe: AbstractChannel, channel: AbstractChannel, queue: str, tag: str) -> bool:
    """Whether a consumer exists: the client has not been told that its channel is closed or it is cancelled, and
    the broker has at least one consumer on the queue. (Whose they are, it tells nobody.)"""
    known: Any = await channel.get_underlay_channel()
    if known.is_closed or tag not in known.consumers:
        return False
    found = await probe.declare_queue(queue, passive=True)
    return bool(found.declaration_result.consumer_count)


class Forwarder(Protocol):
    """Passes a message on, durably; whether that is confirmed."""

    async def retry(self, message: AbstractIncomingMessage, queue: str, delay: float) -> bool:
        """Onto the retry ladder."""

    async def bury(self, message: AbstractIncomingMessage, queue: str, reason: str) -> bool:
        """To the dead letters."""

    async def refuse(self, message: AbstractIncomingMessage, reason: str) -> None:
        """Tells whoever awaits a reply that the message cannot be read. That alone is not durable."""


class QueueConsumer:
    """Takes messages of one queue, on a channel of its own."""

    def __init__(
        self,
        forwarder: Forwarder,
        open_channel: Callable[[], Awaitable[AbstractChannel]],
        queue: str,
        handler: Handler,
        forget: Callable[[QueueConsumer], None],
    ) -> None:
        self._forwarder, self._open_channel, self.name, self._handler = forwarder, open_channel, queue, handler
        self._forget = forget
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._channel: AbstractChannel
        self._tag = ""

    async def start(self) -> None:
        self._channel = await self._open_channel()
        queue = await self._channel.get_queue(self.name)
        self._tag = await queue.consume(self._take)

    async def consumes(self, probe: AbstractChannel) -> bool:
        return await exists(probe, self._channel, self.name, self._tag)

    async def renew(self) -> None:
        with contextlib.suppress(*BROKEN):
            await self._channel.close()  # what is in hand goes on, and is delivered again
        await self.start()
        if self._stopping:  # meanwhile
            await self._channel.close()

    async def stop(self, grace: float) -> None:
        self._stopping = True
        self._forget(self)
        # The next consumer of an ordered queue must not get what is behind those in hand, some of which go back.
        if not topology.is_ordered(self.name):
            with contextlib.suppress(*BROKEN):
                queue = await self._channel.get_queue(self.name, ensure=False)
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
        try:
            await self._settle(message, await self._handle(message))
        except Exception:  # whatever it is: a message that is not settled would keep its place for ever
            log.exception("a message was not settled, and is delivered again", queue=self.name)
            await asyncio.sleep(AGAIN_SECONDS)
            with contextlib.suppress(*BROKEN):
                await message.nack(requeue=True)

    async def _handle(self, message: AbstractIncomingMessage) -> Settlement:
        if seconds_left(message.headers) == 0:
            return Ack()  # it has expired while it waited here
        if (count := deliveries_of(message)) >= topology.MAX_DELIVERIES:
            return DeadLetter(f"delivered {count} times before, and never settled")
        return await settlement_of(
            self._handler,
            message.body,
            message.content_type or envelopes.JSON,
            queue=self.name,
            routing_key=routing_key_of(message),
            attempt=attempt_of(message),
            redelivered=bool(message.redelivered),
            reply_to=message.reply_to or "",
            headers=headers_for_handler(message),
            properties=properties_of(message),
        )

    async def _settle(self, message: AbstractIncomingMessage, settlement: Settlement) -> None:
        """Acknowledges a message once what shall become of it is durable; else it is delivered again."""
        if isinstance(settlement, Unreadable) and message.reply_to:
            await self._forwarder.refuse(message, settlement.reason)
        match settlement:
            case Retry(delay=delay):
                settled = await self._forwarder.retry(message, self.name, delay)
            case DeadLetter(reason=reason):
                settled = await self._forwarder.bury(message, self.name, reason)
            case _:
                settled = True
        with contextlib.suppress(*BROKEN):  # the channel broke: it is delivered again
            if settled:
                await message.ack()
            else:
                await message.nack(requeue=True)
