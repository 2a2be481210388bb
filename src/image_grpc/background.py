"""Tasks that run in the background until they are cancelled."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

_REPEAT_SECONDS = 1.0


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run `work` within the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await end_tasks([task])


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait until they have ended.

    Cancels again while a task runs: aiormq reports the cancellation of a call as a connection error, after which a
    loop that survives such errors would continue.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_REPEAT_SECONDS)
