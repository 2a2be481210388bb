"""The hub within one process. Messages are encoded and decoded as on a broker, so nothing is shared."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc import hub
from image_grpc.background import end_tasks
from image_grpc.errors import HubError
from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.handling import IncomingMessage, PendingReplies, acknowledging, finish_tasks, handle_message
from image_grpc.retry import LADDER, RetryLadder

MAX_QUEUE_LENGTH = 100_000
"""Length at which a queue refuses messages, as a broker's would."""


class MemoryQueue:
    """Messages in order of arrival; unsettled ones return to the head."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: deque[IncomingMessage] = deque()
        self.consumers = 0
        self._arrived = asyncio.Event()

    def put(self, message: IncomingMessage) -> None:
        self.messages.append(message)
        self._arrived.set()

    def requeue(self, message: IncomingMessage) -> None:
        self.messages.appendleft(replace(message, delivery=replace(message.delivery, redelivered=True)))
        self._arrived.set()

    async def get(self) -> IncomingMessage:
        """Wait for the oldest message and remove it."""
        while not self.messages:
            self._arrived.clear()
            await self._arrived.wait()
        return self.messages.popleft()


Settle = Callable[[MemoryQueue, IncomingMessage, hub.Settlement], None]


class MemoryConsumer:
    """Consumes one queue, with a task for each message in progress."""

    def __init__(
        self, queue: MemoryQueue, handler: hub.Handler, settle: Settle, on_stop: Callable[[], None], *, concurrency: int
    ) -> None:
        self._queue, self._handler, self._settle, self._on_stop = queue, handler, settle, on_stop
        self._slots = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._consuming = asyncio.create_task(self._consume(), name=f"consume {queue.name}")

    async def _consume(self) -> None:
        while True:
            await self._slots.acquire()
            message = await self._queue.get()
            task = asyncio.create_task(self._handle(message), name=f"handle {self._queue.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: IncomingMessage) -> None:
        try:
            settlement = await handle_message(self._handler, message)
        except asyncio.CancelledError:
            self._queue.requeue(message)
            raise
        finally:
            self._slots.release()
        self._settle(self._queue, message, settlement)

    async def stop(self, grace: float) -> None:
        self._on_stop()
        await end_tasks([self._consuming])
        await finish_tasks(self._tasks, grace)


class MemoryHub:
    """Implements `hub.Hub`. Its queues end with the process."""

    durable = False
    problem = ""
    clock_skew = 0.0

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

    async def publish(self, message: OutboundMessage, *, timeout: float) -> hub.Outcome:
        return self._publish(message)

    def _publish(self, message: OutboundMessage, reply_to: str = "") -> hub.Outcome:
        queues = self._route(message)
        if not queues:
            return hub.Outcome.RETURNED if message.mandatory else hub.Outcome.CONFIRMED
        if any(len(queue.messages) >= MAX_QUEUE_LENGTH for queue in queues):
            return hub.Outcome.REFUSED
        body, content_type = envelopes.encode(message.envelope)
        expires_at = envelopes.expires_at(message.envelope)
        for queue in queues:
            delivery = hub.Delivery(
                envelope=Envelope(),
                queue=queue.name,
                routing_key=message.routing_key,
                reply_to=reply_to,
                headers=dict(message.headers),
            )
            queue.put(IncomingMessage(body=body, content_type=content_type, delivery=delivery, expires_at=expires_at))
        return hub.Outcome.CONFIRMED

    def _route(self, message: OutboundMessage) -> set[MemoryQueue]:
        if message.exchange == topology.DEFAULT_EXCHANGE:
            return {queue for name, queue in self._queues.items() if name == message.routing_key}
        return {
            queue
            for exchange, pattern, queue in self._bindings
            if exchange == message.exchange and topology.matches(pattern, message.routing_key)
        }

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        token = f"reply.{uuid.uuid4()}"  # not the message's id: the same message may be sent twice at once
        with self._replies.expect(token) as reply:
            routed = bool(self._route(message))
            outcome = self._publish(message, reply_to=token) if routed else hub.Outcome.RETURNED
            if outcome is hub.Outcome.REFUSED:
                raise HubError(f"{message.routing_key}: the queue is full")
            if outcome is hub.Outcome.RETURNED:
                raise hub.RequestUnroutable(f"{message.routing_key}: no queue is bound for such requests")
            try:
                async with asyncio.timeout(timeout):
                    return await reply
            except TimeoutError as expired:
                raise hub.RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired

    async def reply(self, delivery: hub.Delivery, envelope: Envelope, *, timeout: float) -> None:
        self._replies.resolve(delivery.reply_to, envelopes.decode(*envelopes.encode(envelope)))

    async def consume(self, queue: str, handler: hub.Handler, *, concurrency: int) -> MemoryConsumer:
        consumed = self._queues[queue]
        consumed.consumers += 1

        def leave() -> None:
            consumed.consumers -= 1

        return MemoryConsumer(consumed, handler, self._settle, leave, concurrency=concurrency)

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[hub.Delivery], None], *, on_gap: Callable[[], None]
    ) -> MemoryConsumer:
        queue = MemoryQueue(f"image.changes.{uuid.uuid4()}")
        self._bindings += [(topology.event_exchange(key), key, queue) for key in routing_keys]

        def unbind() -> None:
            self._bindings = [binding for binding in self._bindings if binding[2] is not queue]

        return MemoryConsumer(queue, acknowledging(handler), self._settle, unbind, concurrency=1)

    async def depth(self, queue: str) -> int:
        return len(self._queues[queue].messages)

    async def queue_state(self, queue: str) -> hub.QueueState:
        state = self._queues[queue]
        return hub.QueueState(messages=len(state.messages), consumers=state.consumers)

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _settle(self, queue: MemoryQueue, message: IncomingMessage, settlement: hub.Settlement) -> None:
        match settlement:
            case hub.Retry(delay=delay):
                self._retry(queue, message, delay)
            case hub.DeadLetter(reason=reason):
                self._dead_letter(message, reason)

    def _retry(self, queue: MemoryQueue, message: IncomingMessage, delay: float) -> None:
        def put() -> None:
            self._timers.discard(timer)
            attempt = message.delivery.attempt + 1
            queue.put(replace(message, delivery=replace(message.delivery, attempt=attempt, redelivered=False)))

        timer = asyncio.get_running_loop().call_later(self._ladder.round_up(delay), put)
        self._timers.add(timer)

    def _dead_letter(self, message: IncomingMessage, reason: str) -> None:
        body, content_type = envelopes.ensure_envelope(message.body, message.content_type)
        headers = {**message.delivery.headers, "reason": reason, "origin": message.delivery.queue}
        delivery = replace(message.delivery, queue=topology.DEAD_QUEUE, headers=headers)
        self._queues[topology.DEAD_QUEUE].put(IncomingMessage(body=body, content_type=content_type, delivery=delivery))
