"""The exclusive queues of this process: one for replies to its requests, one for each event subscription.

They disappear with the channel that consumes them, and are opened again under new names, because a broker may keep
the queues of a broken connection locked for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection

from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.connection import CONNECTION_ERRORS
from image_grpc.hub.amqp.messages import REQUEST_TOKEN, handler_headers
from image_grpc.hub.amqp.watchdog import consumer_exists
from image_grpc.hub.handling import IncomingMessage, acknowledging, handle_message
from image_grpc.hub.port import Delivery
from image_grpc.hub.replies import PendingReplies

log = structlog.get_logger(__name__)


class ExclusiveQueues:
    """All exclusive queues, on one channel."""

    name = "exclusive queues"

    def __init__(self, connection: AbstractRobustConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._subscriptions: list[Subscription] = []
        self._tag = ""
        self.replies = PendingReplies()
        self.reply_queue = ""
        self.consuming = False

    async def start(self) -> None:
        """Open the reply queue, and open all queues again after each reconnect."""
        await self._open()
        self._connection.reconnect_callbacks.add(self._on_reconnect)
        self._connection.close_callbacks.add(self._on_disconnect)

    async def _open(self) -> None:
        async with self._opening:
            if self._channel is not None:
                with contextlib.suppress(*CONNECTION_ERRORS):
                    await self._channel.close()
            self._channel = await aio_pika.Channel(self._connection)  # a robust one would restore the old queues
            self.reply_queue = f"image.reply.{uuid.uuid4()}"
            queue = await self._channel.declare_queue(self.reply_queue, exclusive=True, auto_delete=True)
            self._tag = await queue.consume(self._receive_reply, no_ack=True)
            for subscription in self._subscriptions:
                await subscription.open(self._channel)
            self.consuming = True

    async def is_consuming(self, probe: AbstractChannel) -> bool:
        if not self.consuming or self._channel is None:
            return False
        consumers = [(self.reply_queue, self._tag), *((each.queue, each.tag) for each in self._subscriptions)]
        return all([await consumer_exists(probe, self._channel, queue, tag) for queue, tag in consumers])

    async def restore(self) -> None:
        self._on_disconnect()
        await self._open()
        self._report_gap()

    async def _on_reconnect(self, *_: object) -> None:
        try:
            await self._open()
        except CONNECTION_ERRORS as error:
            log.warning("exclusive queues not opened", error=repr(error))
        self._report_gap()  # again: events were missed until now

    def _on_disconnect(self, *_: object) -> None:
        self.replies.fail_all("the connection to the Message Hub broke")
        self.consuming = False
        self._report_gap()

    def _report_gap(self) -> None:
        for subscription in self._subscriptions:
            subscription.on_gap()

    async def _receive_reply(self, message: AbstractIncomingMessage) -> None:
        token = str(message.headers.get(REQUEST_TOKEN))
        try:
            self.replies.resolve(token, envelopes.decode(message.body, message.content_type or envelopes.JSON))
        except envelopes.BadEnvelope as error:
            self.replies.fail(token, HubError(f"the reply cannot be decoded: {error}"))

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Subscription:
        """Open a queue for events with these routing keys."""
        subscription = Subscription(routing_keys, handler, on_gap=on_gap, on_stop=self._subscriptions.remove)
        async with self._opening:
            assert self._channel is not None, "the hub is started"
            await subscription.open(self._channel)
            self._subscriptions.append(subscription)
        return subscription


class Subscription:
    """An exclusive queue that is bound to events."""

    def __init__(
        self,
        routing_keys: list[str],
        handler: Callable[[Delivery], None],
        *,
        on_gap: Callable[[], None],
        on_stop: Callable[[Subscription], None],
    ) -> None:
        self._routing_keys, self._handler = routing_keys, acknowledging(handler)
        self.on_gap, self._on_stop = on_gap, on_stop
        self._declared: AbstractQueue | None = None
        self._stopped = False
        self.queue = self.tag = ""

    async def open(self, channel: AbstractChannel) -> None:
        """Open a queue on this channel; the previous one disappeared with its own."""
        self.queue = f"image.changes.{uuid.uuid4()}"
        self._declared = await channel.declare_queue(self.queue, exclusive=True, auto_delete=True)
        for key in self._routing_keys:
            await self._declared.bind(topology.EVENTS, key)
        self.tag = await self._declared.consume(self._receive, no_ack=True)

    async def stop(self, grace: float) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._on_stop(self)
        if self._declared is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self._declared.cancel(self.tag)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        if self._stopped:
            return
        # No expiry: the broker has dropped what had expired, and another host's clock may be wrong.
        incoming = IncomingMessage(
            body=message.body,
            content_type=message.content_type or envelopes.JSON,
            queue=self.queue,
            routing_key=message.routing_key or "",
            headers=handler_headers(message),
        )
        await handle_message(self._handler, incoming)
