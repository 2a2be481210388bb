"""Bounded waiting for what other tasks or processes do, without guessing how long they take."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator

PATIENCE_SECONDS = 120.0
"""Bound for what should happen, on a slow and busy machine."""


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Return as soon as the condition holds. Fail if it does not within the bound."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _holds(condition):  # noqa: ASYNC110 (another process may change it)
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"did not happen within {PATIENCE_SECONDS} s: {what}") from None


def longer_and_longer(seconds: float) -> Iterator[float]:
    """Yield longer and longer durations, for tests whose duration the machine's speed may exceed."""
    while seconds < PATIENCE_SECONDS:
        yield seconds
        seconds *= 3
    raise AssertionError(f"the machine was too slow, even for {seconds / 3} s")


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    result = condition()
    return await result if inspect.isawaitable(result) else bool(result)
