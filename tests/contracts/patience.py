"""Waiting for what another process or task will do, with a bound and without guessing how long it takes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator

PATIENCE_SECONDS = 120.0
"""For what never happens; what happens on a machine that is slow and busy must fit."""


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Returns as soon as the condition holds; fails if it does not within the bound."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _holds(condition):  # noqa: ASYNC110 (what is awaited may be in another process)
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


def longer_and_longer(seconds: float) -> Iterator[float]:
    """Times to be tried one after the other, for what must happen within a time that the machine may need too."""
    while seconds < PATIENCE_SECONDS:
        yield seconds
        seconds *= 3
    raise AssertionError("the machine was too slow, however long it was given")


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else bool(answer)
