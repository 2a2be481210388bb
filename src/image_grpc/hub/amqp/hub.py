"""The hub on RabbitMQ. Written for 4.x, works on 3.10.

Publishing and consuming have connections of their own, since an alarm of the broker blocks publishing ones. The
topology is declared once, on a third connection; consumers look their queues up, and a watchdog looks after them.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import (
    AbstractChannel,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractRobustChannel,
    AbstractRobustConnection,
)
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.amqp.consumers import BROKEN, QueueConsumer
from image_grpc.hub.amqp.declarations import declare_topology, retry_name
from image_grpc.hub.amqp.messages import (
    ATTEMPT,
    CONTENT_TYPE,
    DEDUP_KEY,
    EXPIRES,
    ORIGIN,
    REASON,
    REQUEST,
    ROUTING_KEY,
    Body,
    attempt_of,
    headers_to_pass_on,
    id_of,
    properties_of,
    routing_key_of,
    seconds_left,
)
from image_grpc.hub.amqp.own_queues import OwnQueues, Subscription
from image_grpc.hub.amqp.watchdog import Watchdog
from image_grpc.hub.port import Delivery, Handler, Outcome, RequestTimeout, RequestUnroutable

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15
RECONNECT_SECONDS = 1
HANDSHAKE_SECONDS = 15.0
"""Longest time for a connection to be made: the client itself would wait for ever for a peer that is silent."""
START_SECONDS = 60.0
CLOSE_SECONDS = 10.0
SETTLE_SECONDS = 10.0
DEPTH_SECONDS = 1.0
TRANSIENT = aio_pika.DeliveryMode.NOT_PERSISTENT
PERSISTENT = aio_pika.DeliveryMode.PERSISTENT


class AmqpHub:
    """Implements `hub.port.Hub`."""

    durable = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._publishing: AbstractRobustConnection | None = None
        self._consuming: AbstractRobustConnection | None = None
        self._exchanges: dict[str, AbstractExchange] = {}
        self._channel: AbstractChannel | None = None
        self._counting: AbstractRobustChannel | None = None
        self._own = OwnQueues(self._own_channel)
        self._consumers: list[QueueConsumer] = []
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        if self._publishing is None or self._watchdog is None:
            return False
        return self._publishing.connected.is_set() and self._own.listening and not self._watchdog.missing

    async def start(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._open()
        except (AMQPError, OSError) as problem:
            await self.close()
            raise HubError(f"no connection to the Message Hub: {str(problem) or repr(problem)}") from problem

    async def _open(self) -> None:
        async with await aio_pika.connect(self._url, timeout=HANDSHAKE_SECONDS) as connection:
            await declare_topology(connection)
        self._publishing = await self._connect("publishing")
        self._channel = await self._publishing.channel(publisher_confirms=True, on_return_raises=True)
        self._consuming = await self._connect("consuming")
        self._counting = await self._consuming.channel()
        await self._own.open()
        self._consuming.reconnect_callbacks.add(self._own.came_back)
        self._consuming.close_callbacks.add(self._own.went_away)
        self._watchdog = Watchdog(self._consuming, lambda: [self._own, *self._consumers])
        self._watching = asyncio.create_task(self._watchdog.run(), name="watchdog of consumers")

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for connection in (self._consuming, self._publishing):
            if connection is not None:
                await _close(connection)

    async def _connect(self, purpose: str) -> AbstractRobustConnection:
        return await aio_pika.connect_robust(
            self._url,
            timeout=HANDSHAKE_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            reconnect_interval=RECONNECT_SECONDS,
            client_properties={"connection_name": f"image-grpc {purpose}"},
        )

    # Publishing

    async def publish(self, message: OutboundMessage, *, timeout: float, reply_to: str = "") -> Outcome:
        return await self._publish_envelope(message, timeout=timeout, reply_to=reply_to)

    async def _publish_envelope(
        self, message: OutboundMessage, *, timeout: float, reply_to: str = "", correlation_id: str = ""
    ) -> Outcome:
        envelope = message.envelope
        data, content_type = envelopes.encode(envelope)
        expires = envelopes.expires_at(envelope)
        body = Body(
            data=data,
            content_type=content_type,
            correlation_id=correlation_id or envelope.correlation_id,
            type=envelope.type,
            source_service=envelope.source_service,
        )
        headers: dict[str, Any] = {DEDUP_KEY: envelope.id, ROUTING_KEY: message.routing_key, **message.headers}
        if expires is not None:
            headers[EXPIRES] = int(expires * 1000)
        return await self._publish(
            message.exchange,
            message.routing_key,
            body,
            headers,
            mandatory=message.mandatory,
            timeout=timeout,
            reply_to=reply_to,
            # What somebody waits for is not worth keeping over a restart of the broker.
            delivery_mode=TRANSIENT if reply_to else PERSISTENT,
        )

    async def _publish(
        self,
        exchange: str,
        routing_key: str,
        body: Body,
        headers: dict[str, Any],
        *,
        mandatory: bool,
        timeout: float,
        reply_to: str = "",
        delivery_mode: aio_pika.DeliveryMode = PERSISTENT,
    ) -> Outcome:
        message = aio_pika.Message(
            body.data,
            headers=headers,
            content_type=body.content_type,
            delivery_mode=delivery_mode,
            correlation_id=body.correlation_id or None,
            reply_to=reply_to or None,
            expiration=seconds_left(headers),
            # New for every attempt: messages that share one get each other's returns.
            message_id=str(uuid.uuid4()),
            timestamp=int(time.time()),
            type=body.type or None,
            app_id=body.source_service or None,
        )
        try:
            async with asyncio.timeout(timeout):
                target = await self._exchange(exchange)
                await target.publish(message, routing_key, mandatory=mandatory)
        except PublishError:
            return Outcome.RETURNED
        except DeliveryError:
            return Outcome.REFUSED
        except (TimeoutError, AMQPError, OSError, RuntimeError) as problem:
            log.warning("publish has an unknown outcome", routing_key=routing_key, problem=repr(problem))
            return Outcome.UNKNOWN
        return Outcome.CONFIRMED

    async def _exchange(self, name: str) -> AbstractExchange:
        channel = self._channel
        assert channel is not None, "the hub is started"
        if self._publishing is not None:
            await self._publishing.ready()
        if not name:
            return channel.default_exchange
        if name not in self._exchanges:
            self._exchanges[name] = await channel.get_exchange(name, ensure=False)
        return self._exchanges[name]

    # Requests

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        over = time.monotonic() + timeout
        token = str(uuid.uuid4())
        wanted = OutboundMessage()
        wanted.CopyFrom(message)
        wanted.mandatory = True  # a request that nobody takes is told so at once
        wanted.headers[REQUEST] = token
        try:
            async with self._own.expecting(token) as reply:
                outcome = await self.publish(wanted, timeout=timeout, reply_to=self._own.reply_queue)
                if outcome is Outcome.RETURNED:
                    raise RequestUnroutable(f"{message.routing_key}: nobody takes such requests")
                async with asyncio.timeout(over - time.monotonic()):
                    return await reply
        except TimeoutError as expired:
            raise RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        await self._reply(
            delivery.reply_to, delivery.headers, envelope, timeout=timeout, correlation_id=delivery.reply_correlation_id
        )

    async def _reply(
        self, reply_to: str, headers: Mapping[str, Any], envelope: Envelope, *, timeout: float, correlation_id: str
    ) -> None:
        """Replies to a message with these headers and properties."""
        message = OutboundMessage(routing_key=reply_to, envelope=envelope)
        if REQUEST in headers:
            message.headers[REQUEST] = str(headers[REQUEST])
        await self._publish_envelope(message, timeout=timeout, correlation_id=correlation_id)

    async def _own_channel(self) -> AbstractChannel:
        assert self._consuming is not None, "the hub is started"
        return await aio_pika.Channel(self._consuming)  # not a robust one: its queues are not to be restored

    # Consuming

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> QueueConsumer:
        async def open_channel() -> AbstractChannel:
            assert self._consuming is not None, "the hub is started"
            channel = await self._consuming.channel()
            await channel.set_qos(prefetch_count=concurrency)
            return channel

        consumer = QueueConsumer(self, open_channel, queue, handler, self._forget)
        await consumer.start()
        self._consumers.append(consumer)
        return consumer

    def _forget(self, consumer: QueueConsumer) -> None:
        if consumer in self._consumers:  # it may be stopped twice
            self._consumers.remove(consumer)

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> Subscription:
        return await self._own.subscribe(routing_keys, handler, on_gap=on_gap)

    async def depth(self, queue: str) -> int:
        assert self._counting is not None, "the hub is started"
        try:
            async with asyncio.timeout(DEPTH_SECONDS):
                # On a channel of its own: the client closes the channel of a call that is cancelled.
                found = await self._counting.declare_queue(queue, passive=True, robust=False)
        except (TimeoutError, *BROKEN) as problem:
            raise HubError(f"the depth of {queue} is not known: {problem!r}") from problem
        return found.declaration_result.message_count or 0

    async def retry(self, message: AbstractIncomingMessage, queue: str, delay: float) -> bool:
        """Puts a message on the retry ladder; whether it is there."""
        headers = headers_to_pass_on(message) | {ATTEMPT: attempt_of(message) + 1, **_known_by(message)}
        exchange = retry_name(int(topology.retry_step(delay)))
        return await self._pass_on(exchange, queue, message, headers, message.body, message.content_type or "")

    async def bury(self, message: AbstractIncomingMessage, queue: str, reason: str) -> bool:
        """Puts a message among the dead letters; whether it is there."""
        headers = headers_to_pass_on(message) | {REASON: reason, ORIGIN: queue, **_known_by(message)}
        for name in (EXPIRES, ATTEMPT):
            headers.pop(name, None)
        body, content_type = envelopes.readable(message.body, message.content_type or "", properties_of(message))
        if body is not message.body:
            headers[CONTENT_TYPE] = message.content_type or ""
        return await self._pass_on("", topology.DEAD_QUEUE, message, headers, body, content_type)

    async def refuse(self, message: AbstractIncomingMessage, reason: str) -> None:
        """Replies that a message cannot be read."""
        properties = properties_of(message)
        await self._reply(
            message.reply_to or "",
            message.headers,
            envelopes.unreadable_reply(properties, message.content_type or "", reason),
            timeout=SETTLE_SECONDS,
            correlation_id=properties.correlation_id,
        )

    async def _pass_on(
        self,
        exchange: str,
        routing_key: str,
        message: AbstractIncomingMessage,
        headers: dict[str, Any],
        data: bytes,
        content_type: str,
    ) -> bool:
        body = Body(
            data=data,
            content_type=content_type,
            correlation_id=message.correlation_id or "",
            type=message.type or "",
            source_service=message.app_id or "",
        )
        outcome = await self._publish(
            exchange,
            routing_key,
            body,
            headers,
            mandatory=True,
            timeout=SETTLE_SECONDS,
            reply_to=message.reply_to or "",
        )
        return outcome is Outcome.CONFIRMED


async def _close(connection: AbstractRobustConnection) -> None:
    """Closes a connection, whatever state it is in; the broker may be past answering."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
    except (TimeoutError, *BROKEN) as problem:
        log.warning("a connection was left without its farewell", problem=repr(problem))


def _known_by(message: AbstractIncomingMessage) -> dict[str, str]:
    """What a message keeps when it is published anew."""
    return {ROUTING_KEY: routing_key_of(message), DEDUP_KEY: id_of(message)}
