"""Run the whole service in the test process, with a stand-in for GetImg.AI."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pyvips
from google.protobuf import json_format
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1.audit_service_pb2_grpc import AuditServiceStub
from tabletop.image.v1.floor_plan_service_pb2_grpc import FloorPlanServiceStub
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateCampaignMapRequest,
    GenerateItemIllustrationRequest,
    GeneratePortraitRequest,
    GenerateTacticalMapRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2 import GetImageRequest, ReadImageRequest, UploadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_pb2 import CoordinateUnit, Position
from tabletop.image.v1.map_service_pb2_grpc import MapServiceStub
from tabletop.image.v1.overlay_pb2 import Overlay, TacticalElement
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.status_service_pb2_grpc import StatusServiceStub
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from getimg_standin import Behavior, Standin
from getimg_standin.gallery import Gallery
from getimg_standin.picture import Picture
from image_grpc import app
from image_grpc.messages import clone
from image_grpc.settings import EmbeddedSettings, load

MAX_WAIT_SECONDS = 120
"""Default of `wait_for` in Service.generate; generous, for slow machines."""
MODEL = "z-image-turbo"
"""The model that tests use for all kinds. Its only resolution is the smallest and quickest to generate."""
PRICE = "0.005"
"""The price of one image of MODEL in USD."""

_METHODS = {
    GenerateTacticalMapRequest: "GenerateTacticalMap",
    GenerateCampaignMapRequest: "GenerateCampaignMap",
    GeneratePortraitRequest: "GeneratePortrait",
    GenerateItemIllustrationRequest: "GenerateItemIllustration",
    RegenerateImageRequest: "RegenerateImage",
    ApplyThemeRequest: "ApplyTheme",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A listening stand-in for GetImg.AI and its base URL."""

    standin: Standin
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A running service with a stub of each of its gRPC services."""

    running: app.Running
    """Its address, and the hub on which it publishes events."""
    provider: Provider
    channel: grpc.aio.Channel
    generations: Any
    images: Any
    themes: Any
    maps: Any
    plans: Any
    overlays: Any
    status: Any
    audit: Any

    @property
    def standin(self) -> Standin:
        """The stand-in that generates its images."""
        return self.provider.standin

    async def generate(self, request: Any, **options: Any) -> Generation:
        """Send a generation request of any kind and return the generation when it ends or `wait_for` has passed.

        `options` are gRPC call options. Raises grpc.aio.AioRpcError if the call fails.
        """
        request = clone(request)
        if not request.HasField("wait_for"):
            request.wait_for.seconds = MAX_WAIT_SECONDS
        call = getattr(self.generations, _METHODS[type(request)])
        return (await call(request, **options)).generation

    async def read(self, image_id: str, **fields: Any) -> bytes:
        """Return the bytes of an image. `fields` are those of ReadImageRequest."""
        return (await self.read_with_description(image_id, **fields))[1]

    async def read_with_description(self, image_id: str, **fields: Any) -> tuple[ImageContent, bytes]:
        """Return the content description and the bytes of an image."""
        first, *parts = [part async for part in self.images.ReadImage(ReadImageRequest(image_id=image_id, **fields))]
        return first.content, b"".join(part.data for part in parts)

    async def get_image(self, image_id: str, **fields: Any) -> Image:
        """Return an image. `fields` are those of GetImageRequest."""
        return (await self.images.GetImage(GetImageRequest(image_id=image_id, **fields))).image

    async def upload(self, data: bytes | None = None, **description: Any) -> Image:
        """Upload a picture, by default a tactical map of 10 x 10 cells, and return its image.

        `description` overrides fields of UPLOAD_DEFAULTS.
        """
        return (await self.images.UploadImage(upload_parts(data, **description))).image

    async def create_overlay(self, map_id: str, *elements: TacticalElement, **fields: Any) -> Overlay:
        """Create an overlay on a tactical map."""
        request = CreateTacticalOverlayRequest(map_id=map_id, elements=elements, **fields)
        return (await self.overlays.CreateTacticalOverlay(request)).overlay

    @asynccontextmanager
    async def events_on(self, *routing_keys: str) -> AsyncIterator[list[Envelope]]:
        """Yield a list to which events with these routing keys are appended within the block."""
        events: list[Envelope] = []
        subscription = await self.running.hub.subscribe(
            list(routing_keys), lambda delivery: events.append(delivery.envelope), on_gap=lambda: None
        )
        try:
            yield events
        finally:
            await subscription.stop(grace=1)


@asynccontextmanager
async def running_standin(standin: Standin | None = None) -> AsyncIterator[Provider]:
    """Serve a stand-in within the block, by default a `fast_standin`.

    Use it where several services share one stand-in, for instance before and after a crash.
    """
    standin = standin or fast_standin()
    async with standin.listen() as url:
        yield Provider(standin=standin, url=url)


@asynccontextmanager
async def service(data_dir: Path, provider: Provider | None = None, **settings: object) -> AsyncIterator[Service]:
    """Run the service within the block, with its data in `data_dir` and by default with its own stand-in.

    `settings` are those of EmbeddedSettings; `getimg_api_key=""` starts it without a key.
    """
    async with AsyncExitStack() as stack:
        provider = provider or await stack.enter_async_context(running_standin())
        defaults: dict[str, object] = {
            "listen": "127.0.0.1:0",
            "data_dir": data_dir,
            "getimg_base_url": provider.url,
            "getimg_api_key": provider.standin.api_key,
            "model_tactical_map": MODEL,
            "model_campaign_map": MODEL,
            "model_portrait": MODEL,
            "model_item": MODEL,
            "drain_seconds": 0,
            "shutdown_grace_seconds": 5,
            "storage_timeout_seconds": 60,  # tests must pass on a slow machine too
        }
        running = await stack.enter_async_context(
            app.up_without_standin(load(EmbeddedSettings, **(defaults | settings)))
        )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running.address))
        yield Service(running=running, provider=provider, **stubs(channel))


def stubs(channel: Any) -> dict[str, Any]:
    """Return the fields of Service that are a channel and its stubs."""
    return {
        "channel": channel,
        "generations": GenerationServiceStub(channel),
        "images": ImageServiceStub(channel),
        "themes": ThemeServiceStub(channel),
        "maps": MapServiceStub(channel),
        "plans": FloorPlanServiceStub(channel),
        "overlays": OverlayServiceStub(channel),
        "status": StatusServiceStub(channel),
        "audit": AuditServiceStub(channel),
    }


def block_generations(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Keep stand-ins from returning images until the returned event is set."""
    may_finish, encoded = asyncio.Event(), Gallery.encoded

    async def encoded_when_allowed(gallery: Gallery, picture: Picture) -> bytes:
        await may_finish.wait()
        return await encoded(gallery, picture)

    monkeypatch.setattr(Gallery, "encoded", encoded_when_allowed)
    return may_finish


_GALLERY = Gallery()
"""The pictures of all fast stand-ins. Drawing one takes longer than the rest of a generation."""


def fast_standin(**behavior: Any) -> Standin:
    """Return a stand-in without latency and with one picture per size and format.

    `behavior` overrides fields of its Behavior.
    """
    return Standin(behavior=Behavior(**{"variety": 1, **behavior}), gallery=_GALLERY)


def tactical_map(**fields: Any) -> GenerateTacticalMapRequest:
    return _small(GenerateTacticalMapRequest(**{"theme": "fantasy", **fields}))


def campaign_map(**fields: Any) -> GenerateCampaignMapRequest:
    return _small(GenerateCampaignMapRequest(**{"theme": "fantasy", **fields}))


def portrait(**fields: Any) -> GeneratePortraitRequest:
    return _small(GeneratePortraitRequest(**{"theme": "fantasy", **fields}))


def item(**fields: Any) -> GenerateItemIllustrationRequest:
    return _small(GenerateItemIllustrationRequest(**{"theme": "fantasy", **fields}))


CHUNK_BYTES = 1024 * 1024
CELL_PIXELS = 20
"""Side length of the grid cells of uploaded maps."""
UPLOAD_DEFAULTS: dict[str, Any] = {
    "type": ImageType.IMAGE_TYPE_MAP,
    "subtype": ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
    "theme": "fantasy",
}


def picture_bytes(width: int = 10 * CELL_PIXELS, height: int = 10 * CELL_PIXELS, *, suffix: str = ".png") -> bytes:
    """Return an encoded picture of one color. `width` and `height` are in pixels; `suffix` selects the format."""
    plain = pyvips.Image.black(width, height).new_from_image([90, 110, 70]).copy(interpretation="srgb")
    data: bytes = plain.write_to_buffer(suffix)
    return data


def upload_parts(data: bytes | None = None, **description: Any) -> Iterator[UploadImageRequest]:
    """Yield the requests of an upload. The arguments are those of Service.upload."""
    yield UploadImageRequest(description={**UPLOAD_DEFAULTS, **description})
    picture = picture_bytes() if data is None else data
    for start in range(0, len(picture), CHUNK_BYTES):
        yield UploadImageRequest(data=picture[start : start + CHUNK_BYTES])


def grid_properties(**grid: Any) -> dict[str, Any]:
    """Return map properties with a grid whose cells have CELL_PIXELS on each side."""
    return {"grid": {"enabled": True, "size": CELL_PIXELS, **grid}}


def element(id_: str, column: float = 2.5, row: float = 2.5, **fields: Any) -> TacticalElement:
    """Return an element of a tactical map, by default a token. `column` and `row` are in cells."""
    if not fields.keys() & {"token", "range", "effect", "line_of_sight"}:
        fields["token"] = {}
    position = Position(x=column, y=row, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)
    return TacticalElement(id=id_, position=position, **fields)


def new_id() -> str:
    """Return a new UUID that no resource has."""
    return str(uuid.uuid4())


def payload_of(event: Envelope) -> dict[str, Any]:
    """Return the payload of an event as JSON."""
    payload: dict[str, Any] = json_format.MessageToDict(event.payload)
    return payload


def _small(request: Any) -> Any:
    if not request.HasField("size"):
        request.size.width = request.size.height = 64
    return request
