"""The hub on RabbitMQ. Written for 4.x, works on 3.10.

Publishing and consuming use separate connections, because an alarm of the broker blocks publishing ones. The
topology is declared once, on a third connection; consumers look their queues up, and a watchdog restores missing
consumers.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack

from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.background import background
from image_grpc.errors import HubError
from image_grpc.hub import Delivery, Handler, Outcome, QueueState, RequestTimeout, RequestUnroutable
from image_grpc.hub.amqp.connection import CONNECTION_ERRORS, bounded, close, connect, connect_robust, translated_errors
from image_grpc.hub.amqp.consumers import QueueConsumer
from image_grpc.hub.amqp.declarations import declare_missing, declare_topology
from image_grpc.hub.amqp.exclusive_queues import ExclusiveQueue, ExclusiveQueues
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.amqp.watchdog import Watchdog
from image_grpc.hub.clock_skew import ClockSkew
from image_grpc.hub.signatures import Signatures

START_SECONDS = 60.0
STATE_SECONDS = 1.0


class AmqpHub:
    """Implements `hub.Hub`."""

    durable = True

    def __init__(self, url: str, signatures: Signatures | None = None) -> None:
        """With `signatures`, jobs, storage requests and change events are signed; others have no effect."""
        self._url, self._signatures = url, signatures
        self._resources = AsyncExitStack()
        self._publishing: AbstractRobustConnection | None = None
        self._consuming: AbstractRobustConnection
        self._publisher: Publisher
        self._forwarder: Publisher
        self._replier: Publisher
        self._queues: ExclusiveQueues
        self._skew = ClockSkew()
        self._consumers: list[QueueConsumer] = []
        self._state_channel: AbstractRobustChannel  # aio-pika closes the channel of a call that is cancelled
        self._watchdog: Watchdog

    @property
    def problem(self) -> str:
        if self._publishing is None or not self._publishing.connected.is_set() or not self._queues.consuming:
            return "not connected"
        if self._watchdog.blocked:
            return "the broker blocks publishers: it lacks memory or disk space"
        if missing := self._watchdog.missing:
            return f"not consumed: {', '.join(consumer.name for consumer in missing)}"
        return self._watchdog.undeclared

    @property
    def clock_skew(self) -> float:
        return self._skew.seconds

    async def start(self) -> None:
        with translated_errors():
            try:
                await self._open()
            except BaseException:
                await self.close()
                raise

    @bounded(START_SECONDS)
    async def _open(self) -> None:
        await self._declare()
        publishing = await self._connect("publishing")
        self._consuming = await self._connect("consuming")
        # Each on a channel of its own: the broker closes the channel of an invalid message.
        self._publisher, self._forwarder = await Publisher.open(publishing), await Publisher.open(publishing)
        self._replier = await Publisher.open(publishing, confirms=False)
        self._queues = ExclusiveQueues(self._consuming, self._skew)
        self._state_channel = await self._consuming.channel()
        await self._queues.start()
        self._watchdog = Watchdog(publishing, self._consuming, self._running_consumers, self._declare_missing)
        await self._resources.enter_async_context(background(self._watchdog.run(), name="consumer watchdog"))
        self._publishing = publishing

    @bounded(START_SECONDS)
    async def _declare(self) -> None:
        async with await connect(self._url, "topology") as connection:
            await declare_topology(connection)

    @bounded(START_SECONDS)
    async def _declare_missing(self) -> None:
        async with await connect(self._url, "topology") as connection:
            exchanges_were_missing = await declare_missing(connection)
        if exchanges_were_missing:
            await self._queues.restore()  # they were bound to one

    async def _connect(self, purpose: str) -> AbstractRobustConnection:
        connection = await connect_robust(self._url, purpose)
        self._resources.push_async_callback(close, connection)
        return connection

    def _running_consumers(self) -> list[QueueConsumer | ExclusiveQueues]:
        self._consumers = [consumer for consumer in self._consumers if not consumer.stopped]
        return [self._queues, *self._consumers]

    async def close(self) -> None:
        await self._resources.aclose()

    async def publish(self, message: OutboundMessage, *, timeout: float) -> Outcome:
        return await self._publisher.send(self._signed(message), timeout=timeout)

    def _signed(self, message: OutboundMessage) -> OutboundMessage:
        return message if self._signatures is None else self._signatures.signed(message)

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        deadline = time.monotonic() + timeout
        token = str(uuid.uuid4())
        try:
            with self._queues.replies.expect(token) as reply:
                outcome = await self._publisher.send(
                    self._signed(message), reply_to=self._queues.reply_queue.name, token=token, timeout=timeout
                )
                if outcome is Outcome.REFUSED:
                    raise HubError(f"{message.routing_key}: the queue is full")
                if outcome is Outcome.RETURNED:
                    raise RequestUnroutable(f"{message.routing_key}: no queue is bound for such requests")
                async with asyncio.timeout(deadline - time.monotonic()):
                    return await reply
        except TimeoutError as expired:
            raise RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        await self._replier.reply(delivery, envelope, timeout=timeout)

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> QueueConsumer:
        if self._signatures is not None:
            handler = self._signatures.verifying(queue, handler)
        consumer = QueueConsumer(self._consuming, self._forwarder, self._skew, queue, handler, concurrency)
        await consumer.start()
        self._consumers.append(consumer)
        return consumer

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> ExclusiveQueue:
        if self._signatures is not None:
            handler = self._signatures.ignoring_forged(routing_keys, handler)
        return await self._queues.subscribe(routing_keys, handler, on_gap=on_gap)

    async def depth(self, queue: str) -> int:
        return (await self.queue_state(queue)).messages

    async def queue_state(self, queue: str) -> QueueState:
        try:
            async with asyncio.timeout(STATE_SECONDS):
                declared = await self._state_channel.declare_queue(queue, passive=True, robust=False)
        except (TimeoutError, *CONNECTION_ERRORS) as error:
            raise HubError(f"the state of {queue} is unavailable: {error!r}") from error
        result = declared.declaration_result
        return QueueState(messages=result.message_count or 0, consumers=result.consumer_count or 0)
