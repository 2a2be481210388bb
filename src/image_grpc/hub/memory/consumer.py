"""A consumer of the in-process hub."""

import asyncio
from collections.abc import Callable

from image_grpc.hub.handling import IncomingMessage, handle_message
from image_grpc.hub.memory.queue import MemoryQueue
from image_grpc.hub.port import Handler, Settlement

Settle = Callable[[MemoryQueue, IncomingMessage, Settlement], None]


class MemoryConsumer:
    """Consumes one queue, with a task for each message in progress."""

    def __init__(self, queue: MemoryQueue, handler: Handler, settle: Settle, *, concurrency: int) -> None:
        self._queue, self._handler, self._settle = queue, handler, settle
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
        self._consuming.cancel()
        await asyncio.gather(self._consuming, return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class MemorySubscription(MemoryConsumer):
    """A consumer whose queue is unbound when it stops."""

    def __init__(self, queue: MemoryQueue, handler: Handler, settle: Settle, *, unbind: Callable[[], None]) -> None:
        super().__init__(queue, handler, settle, concurrency=1)
        self._unbind = unbind

    async def stop(self, grace: float) -> None:
        self._unbind()
        await super().stop(grace)
