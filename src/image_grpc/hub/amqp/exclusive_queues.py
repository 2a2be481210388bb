"""The exclusive queues of this process: one for replies to its requests, one for each event subscription.

They disappear with the channel that consumes them, and are opened again under new names, because a broker may keep
the queues of a broken connection locked for a while.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection

from image_grpc.errors import HubError
from image_grpc.hub import Delivery, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp.connection import CALL_SECONDS, CONNECTION_ERRORS, attempt, bounded, consumer_exists
from image_grpc.hub.amqp.messages import REQUEST_TOKEN, incoming_message
from image_grpc.hub.clock_skew import ClockSkew
from image_grpc.hub.handling import PendingReplies, acknowledging, handle_message

log = structlog.get_logger(__name__)

Receive = Callable[[AbstractIncomingMessage], Awaitable[None]]


class ExclusiveQueue:
    """A queue that only this process consumes, without acknowledgements."""

    def __init__(self, prefix: str, routing_keys: Sequence[str], receive: Receive, on_gap: Callable[[], None]) -> None:
        self._prefix, self._routing_keys, self._receive, self.on_gap = prefix, routing_keys, receive, on_gap
        self._queue: AbstractQueue | None = None
        self.name = self.tag = ""
        self.stopped = False

    @bounded(CALL_SECONDS)
    async def open(self, channel: AbstractChannel) -> None:
        """Open a queue on this channel; the previous one disappeared with its own."""
        self.name = f"{self._prefix}.{uuid.uuid4()}"
        self._queue = await channel.declare_queue(self.name, exclusive=True, auto_delete=True)
        for key in self._routing_keys:
            await self._queue.bind(topology.event_exchange(key), key)
        self.tag = await self._queue.consume(self._consume, no_ack=True)

    async def _consume(self, message: AbstractIncomingMessage) -> None:
        if not self.stopped:
            await self._receive(message)

    async def stop(self, grace: float) -> None:
        if not self.stopped and self._queue is not None:
            self.stopped = True
            await attempt(self._queue.cancel(self.tag))


class ExclusiveQueues:
    """All exclusive queues, on one channel."""

    name = "exclusive queues"

    def __init__(self, connection: AbstractRobustConnection, skew: ClockSkew) -> None:
        self._connection, self._skew = connection, skew
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self.reply_queue = ExclusiveQueue("image.reply", (), self._receive_reply, lambda: None)
        self._queues = [self.reply_queue]
        self.replies = PendingReplies()
        self.consuming = False

    async def start(self) -> None:
        """Open the reply queue, and open all queues again after each reconnect."""
        await self._open()
        self._connection.reconnect_callbacks.add(self._on_reconnect)
        self._connection.close_callbacks.add(self._on_disconnect)

    @bounded(CALL_SECONDS)
    async def _open(self) -> None:
        async with self._opening:
            if self._channel is not None:
                await attempt(self._channel.close())
            self._channel = await aio_pika.Channel(self._connection)  # a robust one would restore the old queues
            for queue in self._running():
                await queue.open(self._channel)
            self.consuming = True

    def _running(self) -> list[ExclusiveQueue]:
        self._queues = [queue for queue in self._queues if not queue.stopped]
        return self._queues

    async def is_consuming(self, probe: AbstractChannel) -> bool:
        """Whether client and broker both know the consumers. Calls on `probe` may close it."""
        if not self.consuming or self._channel is None:
            return False
        return all([await consumer_exists(probe, self._channel, each.name, each.tag) for each in self._running()])

    async def restore(self) -> None:
        """Register the consumers again, on a new channel."""
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
        for queue in self._running():
            queue.on_gap()

    async def _receive_reply(self, message: AbstractIncomingMessage) -> None:
        token = str(message.headers.get(REQUEST_TOKEN))
        if message.timestamp is not None and (asked := self.replies.asked_at(token)) is not None:
            self._skew.observe(message.timestamp.timestamp(), earliest=asked)
        try:
            self.replies.resolve(token, envelopes.decode(message.body, message.content_type or envelopes.JSON))
        except envelopes.BadEnvelope as error:
            self.replies.resolve(token, HubError(f"the reply cannot be decoded: {error}"))

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> ExclusiveQueue:
        """Open a queue for events with these routing keys."""

        async def receive(message: AbstractIncomingMessage) -> None:
            # No expiry: the broker has dropped what had expired, and another host's clock may be wrong.
            incoming = replace(incoming_message(message, queue.name), expires_at=None)
            await handle_message(acknowledging(handler), incoming)

        queue = ExclusiveQueue("image.changes", routing_keys, receive, on_gap)
        async with self._opening:
            if self._channel is None:
                raise HubError("the hub is not started")
            await queue.open(self._channel)
            self._queues.append(queue)
        return queue
