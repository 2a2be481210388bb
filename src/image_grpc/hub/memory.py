"""The hub inside of one process. Messages are encoded and decoded as on a broker, so nothing is shared."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.hub.handling import settlement_of
from image_grpc.hub.port import (
    Ack,
    DeadLetter,
    Delivery,
    Handler,
    Outcome,
    RequestTimeout,
    RequestUnroutable,
    Retry,
    Settlement,
)

log = structlog.get_logger(__name__)

MAX_QUEUE_LENGTH = 100_000
"""A queue that is this long refuses messages, as a broker's would."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """A message as a queue keeps it."""

    body: bytes
    content_type: str
    routing_key: str
    reply_to: str
    headers: dict[str, str]
    expires_at: float | None
    attempt: int = 1
    redelivered: bool = False


class _Queue:
    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: deque[_Stored] = deque()
        self._arrived = asyncio.Event()

    def put(self, message: _Stored) -> None:
        self.messages.append(message)
        self._arrived.set()

    def put_back(self, message: _Stored) -> None:
        self.messages.appendleft(replace(message, redelivered=True))
        self._arrived.set()

    async def get(self) -> _Stored:
        """The oldest message that has not expired; expired ones are dropped."""
        while True:
            while self.messages:
                message = self.messages.popleft()
                if message.expires_at is None or message.expires_at > time.time():
                    return message
            self._arrived.clear()
            await self._arrived.wait()


class MemoryHub:
    """Implements `hub.port.Hub`. Its queues end with the process."""

    durable = False
    connected = True

    def __init__(self, *, retry_steps: tuple[float, ...] = topology.RETRY_STEPS) -> None:
        self._retry_steps = retry_steps
        self._queues: dict[str, _Queue] = {}
        self._bindings: list[tuple[str, str, _Queue]] = []
        self._replies: dict[str, asyncio.Future[Envelope]] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    async def start(self) -> None:
        for queue in topology.QUEUES:
            self.declare(queue)

    def declare(self, queue: topology.Queue) -> None:
        """Declares a queue besides those of the topology."""
        made = self._queues.setdefault(queue.name, _Queue(queue.name))
        self._bindings += [(exchange, pattern, made) for exchange, pattern in queue.bindings]

    async def publish(self, message: OutboundMessage, *, timeout: float, reply_to: str = "") -> Outcome:
        queues = self._route(message.exchange, message.routing_key)
        if not queues:
            return Outcome.RETURNED if message.mandatory else Outcome.CONFIRMED
        if any(len(queue.messages) >= MAX_QUEUE_LENGTH for queue in queues):
            return Outcome.REFUSED
        body, content_type = envelopes.encode(message.envelope)
        stored = _Stored(
            body=body,
            content_type=content_type,
            routing_key=message.routing_key,
            reply_to=reply_to,
            headers=dict(message.headers),
            expires_at=envelopes.expires_at(message.envelope),
        )
        for queue in queues:
            queue.put(stored)
        return Outcome.CONFIRMED

    def _route(self, exchange: str, routing_key: str) -> list[_Queue]:
        if exchange == topology.DEFAULT_EXCHANGE:
            queue = self._queues.get(routing_key)
            return [queue] if queue else []
        found = {
            queue.name: queue
            for bound, pattern, queue in self._bindings
            if bound == exchange and topology.matches(pattern, routing_key)
        }
        return list(found.values())

    async def request(self, message: OutboundMessage, *, timeout: float) -> Envelope:
        reply: asyncio.Future[Envelope] = asyncio.get_running_loop().create_future()
        address = f"reply.{uuid.uuid4()}"  # not the message's id: the same one may be sent twice at once
        self._replies[address] = reply
        try:
            if not self._route(message.exchange, message.routing_key):
                raise RequestUnroutable(f"{message.routing_key}: {Outcome.RETURNED.value}")
            outcome = await self.publish(message, timeout=timeout, reply_to=address)
            if outcome is not Outcome.CONFIRMED:
                raise RequestUnroutable(f"{message.routing_key}: {outcome.value}")
            async with asyncio.timeout(timeout):
                return await reply
        except TimeoutError as expired:
            raise RequestTimeout(f"{message.routing_key}: no reply within {timeout:.1f} s") from expired
        finally:
            del self._replies[address]

    async def reply(self, delivery: Delivery, envelope: Envelope, *, timeout: float) -> None:
        waiting = self._replies.get(delivery.reply_to)
        if waiting is not None and not waiting.done():
            waiting.set_result(envelopes.decode(*envelopes.encode(envelope)))

    async def consume(self, queue: str, handler: Handler, *, concurrency: int) -> _Consumer:
        return _Consumer(self, self._queues[queue], handler, concurrency)

    async def subscribe(
        self, routing_keys: list[str], handler: Callable[[Delivery], None], *, on_gap: Callable[[], None]
    ) -> _Consumer:
        queue = _Queue(f"image.changes.{uuid.uuid4()}")
        bindings = [(topology.EVENTS, key, queue) for key in routing_keys]
        self._bindings += bindings

        async def handle(delivery: Delivery) -> Settlement:
            handler(delivery)
            return Ack()

        def unbind() -> None:
            for binding in bindings:
                self._bindings.remove(binding)

        return _Consumer(self, queue, handle, concurrency=1, on_stop=unbind)

    async def depth(self, queue: str) -> int:
        return len(self._queues[queue].messages)

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def retry(self, queue: _Queue, message: _Stored, delay: float) -> None:
        """Puts the message back into its queue at the next step of the ladder."""
        step = topology.retry_step(delay, self._retry_steps)
        loop = asyncio.get_running_loop()

        def put() -> None:
            self._timers.discard(timer)
            queue.put(replace(message, attempt=message.attempt + 1, redelivered=False))

        timer = loop.call_later(step, put)
        self._timers.add(timer)

    def bury(self, queue: _Queue, message: _Stored, reason: str) -> None:
        """Puts the message into the dead letter queue."""
        body, content_type = envelopes.readable(message.body, message.content_type)
        headers = message.headers | {"reason": reason, "origin": queue.name}
        dead = replace(message, body=body, content_type=content_type, headers=headers, expires_at=None)
        self._queues[topology.DEAD_QUEUE].put(dead)


class _Consumer:
    """Takes messages of one queue, one task for each that is in hand."""

    def __init__(
        self,
        hub: MemoryHub,
        queue: _Queue,
        handler: Handler,
        concurrency: int,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._hub, self._queue, self._handler, self._on_stop = hub, queue, handler, on_stop
        self._slots = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task = asyncio.create_task(self._take(), name=f"consume {queue.name}")

    async def _take(self) -> None:
        while True:
            await self._slots.acquire()
            message = await self._queue.get()
            task = asyncio.create_task(self._handle(message), name=f"handle {self._queue.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: _Stored) -> None:
        try:
            settlement = await settlement_of(
                self._handler,
                message.body,
                message.content_type,
                queue=self._queue.name,
                routing_key=message.routing_key,
                attempt=message.attempt,
                redelivered=message.redelivered,
                reply_to=message.reply_to,
                headers=message.headers,
            )
        except asyncio.CancelledError:
            self._queue.put_back(message)
            raise
        finally:
            self._slots.release()
        match settlement:
            case Retry(delay=delay):
                self._hub.retry(self._queue, message, delay)
            case DeadLetter(reason=reason):
                self._hub.bury(self._queue, message, reason)

    async def stop(self, grace: float) -> None:
        self._loop_task.cancel()
        await asyncio.gather(self._loop_task, return_exceptions=True)
        self._on_stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
