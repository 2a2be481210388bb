"""Tasks that run in the background until they are cancelled."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from image_grpc.deadline import context_without_deadline

T = TypeVar("T")

_REPEAT_SECONDS = 1.0
_unfinished: set[asyncio.Task[Any]] = set()
"""Tasks whose callers may be gone. The event loop itself does not keep them alive."""


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run `work` within the block. It must handle its own errors: a failure does not end the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await end_tasks([task])


async def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`, which neither a cancellation of the caller nor its deadline ends."""
    task = asyncio.create_task(work, context=context_without_deadline())
    _unfinished.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _unfinished.discard(task)
    if not task.cancelled():
        task.exception()  # which marks it as retrieved; the caller may be gone


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until all have ended. Cleanup that takes longer than a second is cancelled, too.

    One cancellation is not enough: aiormq turns it into a connection error, and a loop that tolerates connection
    errors goes on.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_REPEAT_SECONDS)
