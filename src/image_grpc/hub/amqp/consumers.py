"""A consumer of a shared queue. Messages that it cannot finish go to the retry ladder or to the dead letters."""

import asyncio
import contextlib

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection, HeadersType
from tabletop.image.v1.error_reason_pb2 import ErrorReason

from image_grpc.errors import reason_name
from image_grpc.hub import DeadLetter, Delivery, Handler, Outcome, Retry, Settlement, Unreadable, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import messages
from image_grpc.hub.amqp.connection import (
    CALL_SECONDS,
    CONNECTION_ERRORS,
    STOP_SECONDS,
    attempt,
    bounded,
    consumer_exists,
)
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.hub.amqp.publisher import Publisher
from image_grpc.hub.clock_skew import ClockSkew
from image_grpc.hub.handling import IncomingMessage, finish_tasks, handle_message
from image_grpc.retry import LADDER

log = structlog.get_logger(__name__)

PUBLISH_SECONDS = 10.0


class QueueConsumer:
    """Consumes one queue on a channel of its own. Messages of others are forwarded on a channel that they may break."""

    def __init__(
        self,
        connection: AbstractRobustConnection,
        forwarder: Publisher,
        skew: ClockSkew,
        queue: str,
        handler: Handler,
        concurrency: int,
    ) -> None:
        self._connection, self._forwarder, self._skew = connection, forwarder, skew
        self.name, self._handler, self._concurrency = queue, handler, concurrency
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel: AbstractChannel
        self._tag = ""
        self.stopped = False

    @bounded(CALL_SECONDS)
    async def start(self) -> None:
        """Start consuming, on a new channel."""
        self._channel = await self._connection.channel()
        await self._channel.set_qos(prefetch_count=self._concurrency)
        queue = await self._channel.get_queue(self.name)
        self._tag = await queue.consume(self._receive)

    async def is_consuming(self, probe: AbstractChannel) -> bool:
        """Whether client and broker both know the consumer. Calls on `probe` may close it."""
        return await consumer_exists(probe, self._channel, self.name, self._tag)

    async def restore(self) -> None:
        """Register the consumer again, on a new channel."""
        await attempt(self._channel.close())  # handlers go on; their messages are redelivered
        await self.start()
        if self.stopped:  # meanwhile
            await attempt(self._channel.close())

    async def stop(self, grace: float) -> None:
        self.stopped = True
        # In an ordered queue, the next consumer must not overtake the messages that this one will requeue.
        if not topology.is_ordered(self.name) and self._connection.connected.is_set():
            await attempt(self._cancel())
        await finish_tasks(self._tasks, grace)
        await attempt(self._channel.close())  # requeues unsettled messages

    @bounded(STOP_SECONDS)
    async def _cancel(self) -> None:
        queue = await self._channel.get_queue(self.name, ensure=False)
        await queue.cancel(self._tag)

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
            # Of other services it is not known how they set it.
            if message.timestamp is not None and message.app_id == envelopes.OWN_SERVICE:
                self._skew.observe(message.timestamp.timestamp())
            incoming = messages.incoming_message(message, self.name)
            await self._settle(message, incoming, await handle_message(self._handler, incoming))
        except Exception as bug:  # an unsettled message would occupy its slot forever
            log.exception("message not settled", queue=self.name)
            await self._give_up(message, type(bug).__name__)

    async def _give_up(self, message: AbstractIncomingMessage, bug: str) -> None:
        """Redeliver a message that could not be settled once, then move its body to the dead letters."""
        outcome = Outcome.UNKNOWN
        if message.redelivered:
            dead = messages.bare(message, {topology.REASON: f"message not settled: {bug}", topology.ORIGIN: self.name})
            with contextlib.suppress(Exception):
                outcome = await self._forwarder.publish(dead, routing_key=topology.DEAD_QUEUE, timeout=PUBLISH_SECONDS)
        if outcome is not Outcome.CONFIRMED:
            await asyncio.sleep(1)
        await self._end(message, outcome)

    async def _settle(
        self, message: AbstractIncomingMessage, incoming: IncomingMessage, settlement: Settlement
    ) -> None:
        """Acknowledge a message once its settlement is durable; requeue it otherwise."""
        delivery = incoming.delivery
        if message.reply_to and isinstance(settlement, Unreadable):
            await self._reply_unreadable(message, delivery, settlement.reason)
        outcome = Outcome.CONFIRMED
        match settlement:
            case Retry(delay=delay):
                outcome = await self._retry(message, incoming, delay)
            case DeadLetter(reason=reason):
                outcome = await self._dead_letter(message, delivery, reason)
        await self._end(message, outcome)

    async def _end(self, message: AbstractIncomingMessage, outcome: Outcome) -> None:
        """Acknowledge a message, or requeue it unless what replaces it is stored."""
        with contextlib.suppress(*CONNECTION_ERRORS):  # a broken channel has requeued the message
            async with asyncio.timeout(CALL_SECONDS):
                await (message.ack() if outcome is Outcome.CONFIRMED else message.nack(requeue=True))

    async def _retry(self, message: AbstractIncomingMessage, incoming: IncomingMessage, delay: float) -> Outcome:
        delivery = incoming.delivery
        headers: HeadersType = {topology.ROUTING_KEY: delivery.routing_key, messages.ATTEMPT: delivery.attempt + 1}
        if incoming.expires_at is not None:
            headers[messages.EXPIRES] = int(incoming.expires_at * 1000)
        return await self._forwarder.publish(
            messages.forwarded(message, message.body, message.content_type or "", headers),
            exchange=retry_name(LADDER.round_up(delay)),
            routing_key=self.name,
            timeout=PUBLISH_SECONDS,
        )

    async def _dead_letter(self, message: AbstractIncomingMessage, delivery: Delivery, reason: str) -> Outcome:
        headers: HeadersType = {topology.ROUTING_KEY: delivery.routing_key, topology.REASON: reason}
        headers[topology.ORIGIN] = self.name
        original_type = message.content_type or ""
        body, content_type = envelopes.ensure_envelope(message.body, original_type, delivery.envelope)
        if body is not message.body:
            headers[messages.CONTENT_TYPE] = original_type
        drop = (messages.EXPIRES, messages.ATTEMPT)
        dead = messages.forwarded(message, body, content_type, headers, drop=drop)
        return await self._forwarder.publish(dead, routing_key=topology.DEAD_QUEUE, timeout=PUBLISH_SECONDS)

    async def _reply_unreadable(self, message: AbstractIncomingMessage, delivery: Delivery, reason: str) -> None:
        """Reply to the sender of a request that it cannot be decoded."""
        id_ = delivery.envelope.id or delivery.reply_correlation_id
        error = envelopes.error_reply(id_, reason_name(ErrorReason.ERROR_REASON_INVALID_ARGUMENT), reason)
        wrap = envelopes.protobuf_envelope if message.content_type == envelopes.PROTOBUF else envelopes.json_envelope
        reply = wrap(topology.ERROR, error, correlation_id=delivery.reply_correlation_id)
        await self._forwarder.reply(delivery, reply, timeout=PUBLISH_SECONDS)
