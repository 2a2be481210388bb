"""The queues of this process's own: for replies to its requests, and for events that it wants to hear of.

They go with the channel that consumes them, and are opened anew under new names: a broker may hold those of a
connection that broke for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.consumers import BROKEN, exists
from image_grpc.hub.amqp.messages import REQUEST, headers_for_handler
from image_grpc.hub.handling import settlement_of
from image_grpc.hub.port import Ack, Delivery, Settlement

log = structlog.get_logger(__name__)


class OwnQueues:
    """All of them, on one channel."""

    name = "own queues"

    def __init__(self, open_channel: Callable[[], Awaitable[AbstractChannel]]) -> None:
        self._open_channel = open_channel
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._replies: dict[str, asyncio.Future[Envelope]] = {}
        self._subscriptions: list[Subscription] = []
        self._tag = ""
        self.reply_queue = ""
        self.listening = False

    async def open(self) -> None:
        """Opens them all."""
        async with self._opening:
            if self._channel is not None:
                with contextlib.suppress(*BROKEN):
                    await self._channel.close()
            self._channel = await self._open_channel()
            self.reply_queue = f"image.reply.{uuid.uuid4()}"
            queue = await self._channel.declare_queue(self.reply_queue, exclusive=True, auto_delete=True)
            self._tag = await queue.consume(self._take_reply, no_ack=True)
            for subscription in self._subscriptions:
                await subscription.open(self._channel)
            self.listening = True

    async def consumes(self, probe: AbstractChannel) -> bool:
        if not self.listening or self._channel is None:
            return False
        consumers = [(self.reply_queue, self._tag), *((each.queue, each.tag) for each in self._subscriptions)]
        return all([await exists(probe, self._channel, queue, tag) for queue, tag in consumers])

    async def renew(self) -> None:
        await self.went_away()
        await self.open()
        self._tell_of_gap()

    async def came_back(self, *_: Any) -> None:
        """The connection is there again."""
        try:
            await self.open()
        except BROKEN as problem:
            log.warning("own queues not opened, will be soon", problem=repr(problem))
        self._tell_of_gap()  # once more: what came until now was heard by nobody

    async def went_away(self, *_: Any) -> None:
        """The connection broke."""
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(HubError("the connection to the Message Hub broke"))
        self.listening = False
        self._tell_of_gap()

    def _tell_of_gap(self) -> None:
        for subscription in self._subscriptions:
            subscription.on_gap()

    @asynccontextmanager
    async def expecting(self, token: str) -> AsyncIterator[asyncio.Future[Envelope]]:
        """Within the block, the reply with this token is awaited."""
        reply: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        self._replies[token] = reply
        try:
            yield reply
        finally:
            del self._replies[token]
            if not reply.cancel() and not reply.cancelled():
                reply.exception()  # is seen, though nobody waits for it any more

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        waiting = self._replies.get(str(message.headers.get(REQUEST)))
        if waiting is None or waiting.done():
            return
        try:
            waiting.set_result(envelopes.decode(message.body, message.content_type or envelopes.JSON))
        except envelopes.BadEnvelope as problem:
            waiting.set_exception(HubError(f"the reply cannot be read: {problem}"))

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Subscription:
        """Opens one more, for events with these routing keys."""
        subscription = Subscription(routing_keys, handler, on_gap, self._subscriptions.remove)
        async with self._opening:
            assert self._channel is not None, "the hub is started"
            await subscription.open(self._channel)
            self._subscriptions.append(subscription)
        return subscription


class Subscription:
    """A queue that is bound to events."""

    def __init__(
        self,
        routing_keys: list[str],
        handler: Callable[[Delivery], None],
        on_gap: Callable[[], None],
        forget: Callable[[Subscription], None],
    ) -> None:
        self._routing_keys, self._handler, self.on_gap, self._forget = routing_keys, handler, on_gap, forget
        self._declared: Any = None
        self._stopped = False
        self.queue = self.tag = ""

    async def open(self, channel: AbstractChannel) -> None:
        """Opens a queue on this channel; the one before went with its own."""
        self.queue = f"image.changes.{uuid.uuid4()}"
        self._declared = await channel.declare_queue(self.queue, exclusive=True, auto_delete=True)
        for key in self._routing_keys:
            await self._declared.bind(topology.EVENTS, key)
        self.tag = await self._declared.consume(self._take, no_ack=True)

    async def stop(self, grace: float) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._forget(self)
        with contextlib.suppress(*BROKEN):
            await self._declared.cancel(self.tag)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        async def handle(delivery: Delivery) -> Settlement:
            self._handler(delivery)
            return Ack()

        if not self._stopped:
            await settlement_of(
                handle,
                message.body,
                message.content_type or envelopes.JSON,
                queue=self.queue,
                routing_key=message.routing_key or "",
                attempt=1,
                redelivered=False,
                reply_to="",
                headers=headers_for_handler(message),
            )
