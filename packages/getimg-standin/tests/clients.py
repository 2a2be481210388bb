"""A running stand-in with the clients of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import getimg
import httpx

from getimg_standin import Standin

KEY = "test-key"

# The model with the smallest pictures.
MODEL = "z-image-turbo"
PRICE = "0.005"


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A listening stand-in, with the official SDK and a plain HTTP client."""

    standin: Standin
    url: str
    sdk: getimg.AsyncGetimgAI
    http: httpx.AsyncClient

    async def generate(self, **changes: Any) -> Any:
        """Generate through the SDK; `changes` are fields of the request."""
        return await self.sdk.images.generate(**{"model": MODEL, "prompt": "a thing, fantasy", **changes})

    async def post(self, **changes: Any) -> httpx.Response:
        """Generate over plain HTTP; `changes` are fields of the request, None omits a field."""
        body = {"model": MODEL, "prompt": "a thing, fantasy", **changes}
        present = {name: value for name, value in body.items() if value is not None}
        return await self.http.post("/v2/images/generations", json=present)

    async def picture_url(self) -> str:
        """Return the URL of a new picture."""
        return str((await self.generate()).data[0].url)


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; pytest's timeout bounds the wait."""
    while not condition():  # noqa: ASYNC110 (the other side of a socket sets no event)
        await asyncio.sleep(0.01)


async def in_flight(standin: Standin, count: int) -> None:
    """Return once exactly `count` generations are in flight."""
    await until(lambda: standin.in_flight == count)
