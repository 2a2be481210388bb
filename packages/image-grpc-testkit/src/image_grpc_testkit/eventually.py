"""Wait for a condition or retry with longer durations, within one generous time limit."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator

MAX_WAIT_SECONDS = 120.0
"""Time limit for anything that a test waits for; generous, for slow machines."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05
"""Seconds between two checks of a condition. They grow, because a check may be a call of the service."""


async def eventually(condition: Callable[[], bool | Awaitable[bool]], description: str) -> None:
    """Wait until the condition holds. Raises AssertionError with the description after MAX_WAIT_SECONDS."""
    pause = _FIRST_PAUSE
    try:
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            while not await _holds(condition):
                await asyncio.sleep(pause)
                pause = min(pause * 1.25, _LONGEST_PAUSE)
    except TimeoutError:
        raise AssertionError(f"did not happen within {MAX_WAIT_SECONDS} s: {description}") from None


def increasing_durations(seconds: float) -> Iterator[float]:
    """Yield durations in seconds, each three times the previous one, for tests that are repeated with more time.

    Raises AssertionError once the next one would reach MAX_WAIT_SECONDS.
    """
    while seconds < MAX_WAIT_SECONDS:
        yield seconds
        seconds *= 3
    raise AssertionError(f"the machine was too slow, even for {seconds / 3} s")


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    result = condition()
    return await result if inspect.isawaitable(result) else bool(result)
