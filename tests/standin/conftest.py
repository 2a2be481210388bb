from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import getimg
import httpx
import pytest

from image_grpc.standin import Standin

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


async def in_flight(standin: Standin, calls: int) -> None:
    """Returns once exactly so many generations are being served."""
    while standin.in_flight != calls:  # noqa: ASYNC110 (the other side of a socket sets no event)
        await asyncio.sleep(0.01)


@pytest.fixture
def standin() -> Standin:
    return Standin(api_key=KEY)


@pytest.fixture
async def running(standin: Standin) -> AsyncIterator[Running]:
    async with (
        standin.listen() as url,
        # Nothing here is TLS, and loading the certificates would take longer than most tests.
        getimg.DefaultAsyncHttpxClient(verify=False) as transport,
        getimg.AsyncGetimgAI(base_url=url, api_key=KEY, max_retries=0, http_client=transport) as sdk,
        httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=120, verify=False
        ) as http,
    ):
        yield Running(standin=standin, url=url, sdk=sdk, http=http)
