"""Well-behaved callers, whose calls and requests must complete whatever others publish."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.image_service_pb2 import GetImageRequest
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.hub import topology
from tests.bridge.plain import PlainClient
from tests.faults.callers import portrait_request, reason
from tests.faults.platform import Platform

PAUSE_SECONDS = 0.2
CALL_SECONDS = 60.0


class Caller:
    """Makes calls and hub requests, each of which must complete."""

    def __init__(self, running: Platform, client: PlainClient) -> None:
        server = running.servers[0]
        self._generations, self._images = server.generations, server.images
        self._themes: Any = ThemeServiceStub(server.channel)
        self._client = client
        self._image_id = ""
        self._accepted: list[str] = []
        self.completed: Counter[str] = Counter()
        """Number of calls and requests that succeeded, by method."""
        self.failed: list[str] = []
        """Those that did not."""
        self.slowest = 0.0
        """Longest duration of one of them, in seconds."""

    async def prepare(self) -> None:
        """Generate the image that later calls get."""
        id_ = await self._generate("prepared")
        self._image_id = (await self._wait(id_)).image.id

    async def call_until_cancelled(self) -> None:
        """Make one call after the other."""
        for number in itertools.count():
            await self._count("gRPC GetImage", self._get_image)
            await self._count("gRPC ListThemes", self._list_themes)
            if number % 5 == 0:
                await self._count("gRPC GeneratePortrait", partial(self._request_portrait, number))
            await asyncio.sleep(PAUSE_SECONDS)

    async def request(self, number: int) -> None:
        """Send one hub request, and wait for its reply."""
        portrait = {"theme": "fantasy", "details": f"requested {number}", "size": {"width": 64, "height": 64}}
        method, payload = (
            ("ThemeService.ListThemes", {}),
            ("ImageService.GetImage", {"image_id": self._image_id}),
            ("GenerationService.GeneratePortrait", portrait),
        )[number % 3]
        await self._count(f"hub {method.rpartition('.')[2]}", partial(self._request, method, payload))

    async def wait_for_portraits(self) -> None:
        """Wait until all requested portraits are generated."""
        for id_ in self._accepted:
            await self._count("portrait", partial(self._wait, id_))

    async def _count(self, name: str, call: Callable[[], Awaitable[object]]) -> None:
        started = time.monotonic()
        try:
            await call()
            self.completed[name] += 1
        except grpc.aio.AioRpcError as error:
            self.failed.append(f"{name}: {reason(error)} {error.details()}")
        except (TimeoutError, AssertionError) as error:
            self.failed.append(f"{name}: {error!r}")
        self.slowest = max(self.slowest, time.monotonic() - started)

    async def _get_image(self) -> None:
        await self._images.GetImage(GetImageRequest(image_id=self._image_id), timeout=CALL_SECONDS)

    async def _list_themes(self) -> None:
        await self._themes.ListThemes(ListThemesRequest(), timeout=CALL_SECONDS)

    async def _request_portrait(self, number: int) -> None:
        self._accepted.append(await self._generate(f"called {number}"))

    async def _generate(self, details: str) -> str:
        response = await self._generations.GeneratePortrait(portrait_request(details), timeout=CALL_SECONDS)
        id_: str = response.generation.id
        return id_

    async def _wait(self, id_: str) -> Any:
        request = WaitGenerationRequest(generation_id=id_)
        generation = (await self._generations.WaitGeneration(request, timeout=CALL_SECONDS)).generation
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED, generation
        return generation

    async def _request(self, method: str, payload: dict[str, Any]) -> None:
        async with asyncio.timeout(CALL_SECONDS):
            reply = await self._client.request(method, payload)
        assert reply["type"] != topology.ERROR, reply
        if "generation" in reply["payload"]:
            self._accepted.append(reply["payload"]["generation"]["id"])
