"""The hub within one process. Messages are encoded and decoded as on a broker, so nothing is shared."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace

from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.handling import IncomingMessage, acknowledging
from image_grpc.hub.memory.consumer import MemoryConsumer, MemorySubscription
from image_grpc.hub.memory.queue import MemoryQueue
from image_grpc.hub.port import (
    DeadLetter,
    Delivery,
    Handler,
    Outcome,
    RequestTimeout,
    RequestUnroutable,
    Retry,
    Settlement,
)
from image_grpc.hub.replies import PendingReplies
from image_grpc.retry import LADDER, RetryLadder


class MemoryHub:
    """Implements `hub.port.Hub`. Its queues end with the process."""

    durable = False
    connected = True

    def __init__(self, *, ladder: RetryLadder = LADDER) -> None:
        self._ladder = ladder
        self._queues: dict[str, MemoryQueue] = {}
        self._bindings: list[tuple[str, str, MemoryQueue]] = []
        self._replies = PendingReplies()
        self._timers: set[asyncio.TimerHandle] = set()

    async def start(self) -> None:
        for queue in topology.QUEUES:
            self.declare(queue)

    def declare(self, queue: topology.Queue) -> None:
        """Declare a queue with its bindings, unless it exists."""
        declared = self._queues.setdefault(queue.name, MemoryQueue(queue.name))
        self._bindings += [(exchange, pattern, declared) for exchange, pattern in queue.bindings]

    async def publish(self, message: OutboundMessage, *, timeout: float, reply_to: str = "") -> Outcome:
        queues = self._route(message.exchange, message.routing_key)
        if not queues:
            return Outcome.RETURNED if message.mandatory else Outcome.CONFIRMED
        if any(queue.full for queue in queues):
            return Outcome.REFUSED
        body, content_type = envelopes.encode(message.envelope)
        for queue in queues:
            queue.put(
                IncomingMessage(
                    body=body,
                    content_type=content_type,
                    queue=queue.name,
                    routing_key=message.routing_key,
                    expires_at=envelopes.expires_at(message.envelope),
                    reply_to=reply_to,
                    headers=dict(message.headers),
                )
            )
        return Outcome.CONFIRMED

    def _route(self, exchange: str, routing_key: str) -> list[MemoryQueue]:
        if exchange == topology.DEFAULT_EXCHANGE:
            queue = self._queues.get(routing_key)
            return [queue] if queue is not None else []
        matching = {
            queue.name: queue
            for source, pattern, queue in self._bindings
            if source == exchange and topology.matches(pattern, routing_key)
        }
        return list(matching.values())

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        token = f"reply.{uuid.uuid4()}"  # not the message's id: the same message may be sent twice at once
        with self._replies.expect(token) as reply:
            if not self._route(message.exchange, message.routing_key):
                raise RequestUnroutable(f"{message.routing_key}: {Outcome.RETURNED.value}")
            outcome = await self.publish(message, timeout=timeout, reply_to=token)
            if outcome is not Outcome.CONFIRMED:
                raise RequestUnroutable(f"{message.routing_key}: {outcome.value}")
            try:
                async with asyncio.timeout(timeout):
                    return await reply
            except TimeoutError as expired:
                raise RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        self._replies.resolve(delivery.reply_to, envelopes.decode(*envelopes.encode(envelope)))

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> MemoryConsumer:
        return MemoryConsumer(self._queues[queue], handler, self._settle, concurrency=concurrency)

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> MemorySubscription:
        queue = MemoryQueue(f"image.changes.{uuid.uuid4()}")
        bindings = [(topology.EVENTS, key, queue) for key in routing_keys]
        self._bindings += bindings

        def unbind() -> None:
            for binding in bindings:
                self._bindings.remove(binding)

        return MemorySubscription(queue, acknowledging(handler), self._settle, unbind=unbind)

    async def depth(self, queue: str) -> int:
        return len(self._queues[queue])

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _settle(self, queue: MemoryQueue, message: IncomingMessage, settlement: Settlement) -> None:
        match settlement:
            case Retry(delay=delay):
                self._retry(queue, message, delay)
            case DeadLetter(reason=reason):
                self._dead_letter(message, reason)

    def _retry(self, queue: MemoryQueue, message: IncomingMessage, delay: float) -> None:
        def put() -> None:
            self._timers.discard(timer)
            queue.put(replace(message, attempt=message.attempt + 1, redelivered=False))

        timer = asyncio.get_running_loop().call_later(self._ladder.round_up(delay), put)
        self._timers.add(timer)

    def _dead_letter(self, message: IncomingMessage, reason: str) -> None:
        body, content_type = envelopes.ensure_envelope(message.body, message.content_type)
        self._queues[topology.DEAD_QUEUE].put(
            replace(
                message,
                body=body,
                content_type=content_type,
                queue=topology.DEAD_QUEUE,
                headers={**message.headers, "reason": reason, "origin": message.queue},
                expires_at=None,
            )
        )
