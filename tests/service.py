"""The whole service in this process, on a free port, drawing with a stand-in; and how its answers are read."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pyvips
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tabletop.hub.v1.envelope_pb2 import Envelope
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
from tabletop.image.v1.image_service_pb2 import (
    GetImageRequest,
    ReadImageRequest,
    UploadImageDescription,
    UploadImageRequest,
)
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_pb2 import CoordinateUnit, Position
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
from image_grpc.settings import EmbeddedSettings, load

PATIENCE_SECONDS = 120
"""Longest wait for a generation that is expected to end."""
MODEL = "z-image-turbo"
"""The model of all kinds in tests: it has one resolution, the smallest and quickest to draw."""
PRICE = "0.005"
"""USD that a picture of it costs."""

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
    """A stand-in of GetImg.AI that listens."""

    standin: Standin
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A service that answers, with a stub of each of its services."""

    running: app.Running
    """Its address, and the hub on which its events are heard."""
    provider: Provider
    channel: grpc.aio.Channel
    generations: Any
    images: Any
    themes: Any
    overlays: Any
    status: Any

    @property
    def standin(self) -> Standin:
        """What it draws with."""
        return self.provider.standin

    async def generate(self, request: Any, **options: Any) -> Generation:
        """The generation that answers a request of any kind, once it has ended or the request's `wait_for` is
        over. `options` are those of a gRPC call."""
        sent = type(request)()
        sent.CopyFrom(request)
        if not sent.HasField("wait_for"):
            sent.wait_for.seconds = PATIENCE_SECONDS
        call = getattr(self.generations, _METHODS[type(request)])
        return (await call(sent, **options)).generation

    async def read(self, image_id: str, **fields: Any) -> bytes:
        """The bytes of a stored picture."""
        return (await self.read_described(image_id, **fields))[1]

    async def read_described(self, image_id: str, **fields: Any) -> tuple[ImageContent, bytes]:
        """The description of a stored picture, and its bytes."""
        first, *parts = [part async for part in self.images.ReadImage(ReadImageRequest(image_id=image_id, **fields))]
        return first.content, b"".join(part.data for part in parts)

    async def image(self, image_id: str, **fields: Any) -> Image:
        """What is known of an image."""
        return (await self.images.GetImage(GetImageRequest(image_id=image_id, **fields))).image

    async def upload(self, data: bytes | None = None, **description: Any) -> Image:
        """A picture of the caller's own: unless said otherwise, a tactical map of 10 x 10 cells."""
        described = UploadImageDescription(**{**OWN_MAP, **description})
        chunks = picture_bytes() if data is None else data

        async def parts() -> AsyncIterator[UploadImageRequest]:
            yield UploadImageRequest(description=described)
            for start in range(0, len(chunks), CHUNK):
                yield UploadImageRequest(data=chunks[start : start + CHUNK])

        return (await self.images.UploadImage(parts())).image

    async def overlay(self, map_id: str, *elements: TacticalElement, **fields: Any) -> Overlay:
        """A new overlay on a tactical map."""
        request = CreateTacticalOverlayRequest(map_id=map_id, elements=elements, **fields)
        return (await self.overlays.CreateTacticalOverlay(request)).overlay

    @asynccontextmanager
    async def hearing(self, *routing_keys: str) -> AsyncIterator[list[Envelope]]:
        """The events on these keys, as they come."""
        heard: list[Envelope] = []
        ears = await self.running.hub.subscribe(
            list(routing_keys), lambda delivery: heard.append(delivery.envelope), on_gap=lambda: None
        )
        try:
            yield heard
        finally:
            await ears.stop(grace=1)


@asynccontextmanager
async def listening(standin: Standin | None = None) -> AsyncIterator[Provider]:
    """A stand-in, by default one without latency that draws one picture per size and format. One that several
    services use, for instance before and after a crash, is started by itself."""
    standin = standin or quick()
    async with standin.listen() as url:
        yield Provider(standin=standin, url=url)


@asynccontextmanager
async def service(data_dir: Path, provider: Provider | None = None, **settings: object) -> AsyncIterator[Service]:
    """A service on a folder, with a stand-in of its own unless one is given. `settings` are those of
    EmbeddedSettings; `getimg_api_key=""` starts it without a key."""
    async with AsyncExitStack() as stack:
        provider = provider or await stack.enter_async_context(listening())
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
            "storage_timeout_seconds": 60,  # a busy machine is no failure
        }
        running = await stack.enter_async_context(
            app.up_without_standin(load(EmbeddedSettings, **(defaults | settings)))
        )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running.address))
        yield Service(
            running=running,
            provider=provider,
            channel=channel,
            generations=GenerationServiceStub(channel),
            images=ImageServiceStub(channel),
            themes=ThemeServiceStub(channel),
            overlays=OverlayServiceStub(channel),
            status=StatusServiceStub(channel),
        )


def held(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Stand-ins that listen from now on finish no picture before the event is set."""
    may_go_on = asyncio.Event()

    class Held(Gallery):
        async def encoded(self, picture: Picture) -> bytes:
            await may_go_on.wait()
            return await super().encoded(picture)

    monkeypatch.setattr("getimg_standin.standin.Gallery", Held)
    return may_go_on


def quick(**behavior: Any) -> Standin:
    """A stand-in that wastes no time."""
    return Standin(behavior=Behavior(**{"variety": 1, **behavior}))


def tactical_map(**fields: Any) -> GenerateTacticalMapRequest:
    """A request that is valid."""
    return _small(GenerateTacticalMapRequest(**{"theme": "fantasy", **fields}))


def campaign_map(**fields: Any) -> GenerateCampaignMapRequest:
    """A request that is valid."""
    return _small(GenerateCampaignMapRequest(**{"theme": "fantasy", **fields}))


def portrait(**fields: Any) -> GeneratePortraitRequest:
    """A request that is valid."""
    return _small(GeneratePortraitRequest(**{"theme": "fantasy", **fields}))


def item(**fields: Any) -> GenerateItemIllustrationRequest:
    """A request that is valid."""
    return _small(GenerateItemIllustrationRequest(**{"theme": "fantasy", **fields}))


CHUNK = 1024 * 1024
CELL = 20
"""Pixels of a cell of the maps that are uploaded."""
OWN_MAP: dict[str, Any] = {
    "type": ImageType.IMAGE_TYPE_MAP,
    "subtype": ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
    "theme": "fantasy",
}


def picture_bytes(width: int = 10 * CELL, height: int = 10 * CELL, *, suffix: str = ".png") -> bytes:
    """A picture of one colour."""
    plain = pyvips.Image.black(width, height).new_from_image([90, 110, 70]).copy(interpretation="srgb")
    data: bytes = plain.write_to_buffer(suffix)
    return data


def on_grid(**grid: Any) -> dict[str, Any]:
    """Properties of a map with a grid."""
    return {"grid": {"enabled": True, "size": CELL, **grid}}


def element(id_: str, column: float = 2.5, row: float = 2.5, **fields: Any) -> TacticalElement:
    """Something on a tactical map, a token unless said otherwise."""
    if not fields.keys() & {"token", "range", "effect", "line_of_sight"}:
        fields["token"] = {}
    position = Position(x=column, y=row, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)
    return TacticalElement(id=id_, position=position, **fields)


def some_id() -> str:
    """A UUID that nothing has."""
    return str(uuid.uuid4())


def payload_of(event: Envelope) -> dict[str, Any]:
    """What an event says, as its JSON has it."""
    said: dict[str, Any] = json_format.MessageToDict(event.payload)
    return said


def _small(request: Any) -> Any:
    if not request.HasField("size"):
        request.size.width = request.size.height = 64
    return request


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What a call that failed told its caller. What it did not tell is empty."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str]
    fields: list[str]
    """Paths of the violated fields, in the order of the answer."""
    retry_seconds: float | None = None
    quota_subjects: list[str]
    request_id: str = ""
    """As the details say it."""
    trailers: dict[str, str | bytes]


async def refusal(call: Awaitable[Any]) -> Refusal:
    """How a call is refused. Fails if it is not."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return read_refusal(error)
    raise AssertionError(f"the call was answered: {answer}")


async def refused_stream(call: Any) -> Refusal:
    """How a call that answers with a stream is refused. Fails if it is not."""

    async def drain() -> list[Any]:
        return [message async for message in call]

    return await refusal(drain())


def read_refusal(error: Any) -> Refusal:
    """What an error of grpc.aio says, with its `google.rpc` details."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    request = error_details_pb2.RequestInfo()
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        for known in (info, bad, retry, quota, request):
            detail.Unpack(known)
    return Refusal(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in bad.field_violations],
        retry_seconds=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
        quota_subjects=[violation.subject for violation in quota.violations],
        request_id=request.request_id,
        trailers=dict(error.trailing_metadata() or ()),
    )
