"""Waiting for what another process or task will do, with a bound and without guessing how long it takes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 20.0


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Returns as soon as the condition holds; fails if it does not within the bound."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _holds(condition):  # noqa: ASYNC110 (what is awaited may be in another process)
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else bool(answer)
