"""The clients that the tests talk to a stand-in with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import getimg
import httpx

from getimg_standin import Standin

KEY = "key-of-the-tests"

# The smallest picture that the catalogue offers takes a tenth of a second, so tests that are not about
# pictures let the stand-in reuse one.
MODEL = "z-image-turbo"
PRICE = "0.005"


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stand-in that listens, and the two clients that tests talk to it with."""

    standin: Standin
    url: str
    sdk: getimg.AsyncGetimgAI
    http: httpx.AsyncClient

    async def generate(self, **changes: Any) -> Any:
        """A generation by the SDK, plain unless changed."""
        return await self.sdk.images.generate(**{"model": MODEL, "prompt": "a thing, fantasy", **changes})

    async def post(self, **changes: Any) -> httpx.Response:
        """A generation by bare HTTP, plain unless changed; None leaves a field out."""
        body = {"model": MODEL, "prompt": "a thing, fantasy", **changes}
        sent = {name: value for name, value in body.items() if value is not None}
        return await self.http.post("/v2/images/generations", json=sent)

    async def picture_url(self) -> str:
        """The URL of a freshly generated picture."""
        return str((await self.generate()).data[0].url)


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; pytest's timeout bounds the wait."""
    while not condition():  # noqa: ASYNC110 (the other side of a socket sets no event)
        await asyncio.sleep(0.01)


async def in_flight(standin: Standin, count: int) -> None:
    """Return once exactly `count` generations are in flight."""
    await until(lambda: standin.in_flight == count)
