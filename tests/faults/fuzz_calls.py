"""Random calls of every RPC. A call depends on nothing but the seed, its number and the scene."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_service_pb2 import ListImagesRequest
from tabletop.image.v1.map_pb2 import CoordinateUnit, Position
from tabletop.image.v1.overlay_pb2 import CampaignElement
from tabletop.image.v1.overlay_service_pb2 import CreateCampaignOverlayRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, ListThemesRequest
from tabletop.image.v1.types_pb2 import CacheMode, ImageSubtype, ImageType

from image_grpc.bridge.client import services
from image_grpc.generation.kinds import KINDS
from tests.faults.random_messages import RandomMessages, damaged, flood, random_bytes
from tests.service import MODEL, Service, element, grid_properties, item, picture_bytes, portrait, tactical_map

CALL_SECONDS = 10.0
WATCH_SECONDS = 0.3
EXTREME_SHARES = (0.0, 0.0, 0.05, 0.3)
"""Shares of fields with extreme values in a message. None, so that calls get past the validation."""
UPDATE_PATHS = ("theme", "details", "size", "species", "character_class", "grid", "walls", "features", "name", "traits")

Samples = Mapping[str, Sequence[str]]
"""Values of existing resources, by the name of the fields that refer to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """An RPC."""

    path: str
    request: Descriptor
    client_streaming: bool
    server_streaming: bool

    @property
    def name(self) -> str:
        """The service and the method, for example `ImageService/GetImage`."""
        return self.path.rpartition(".")[2]

    @property
    def watches(self) -> bool:
        """Whether calls last until their deadline."""
        return "/Watch" in self.path

    @property
    def seconds(self) -> float:
        """The deadline of calls."""
        return WATCH_SECONDS if self.watches else CALL_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call to make."""

    number: int
    method: Method
    requests: list[bytes]


@cache
def methods() -> Sequence[Method]:
    """Return all RPCs of the server."""
    health = health_pb2.DESCRIPTOR.services_by_name["Health"]
    reflection = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    return [_method(each) for service in (*services(), health, reflection) for each in service.methods]


def _method(method: MethodDescriptor) -> Method:
    return Method(
        path=f"/{method.containing_service.full_name}/{method.name}",
        request=method.input_type,
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
    )


def create_call(seed: int, number: int, samples: Samples) -> Call:
    """Return the call with this number."""
    rng = random.Random(f"{seed}/{number}")
    method = rng.choice(methods())
    messages = RandomMessages(rng, samples, extreme=rng.choice(EXTREME_SHARES))
    if method.path.endswith("/UploadImage"):
        requests = _upload(rng, messages, method)
    else:
        count = rng.choice((0, 1, 2, 3)) if method.client_streaming else 1
        requests = [messages.create(method.request).SerializeToString() for _ in range(count)]
    match rng.randrange(10):
        case 0 | 1:
            requests = [damaged(rng, request) for request in requests]
        case 2:
            requests = [random_bytes(rng) for _ in requests]
        case 3 if rng.random() < 0.1:
            requests = [flood(rng, method.request)]
    return Call(number=number, method=method, requests=requests)


def _upload(rng: random.Random, messages: RandomMessages, method: Method) -> list[bytes]:
    if rng.random() < 0.3:
        return [messages.create(method.request).SerializeToString() for _ in range(rng.randrange(4))]
    request: Any = messages.create(method.request)
    descriptor: Any = method.request.fields_by_name["description"].message_type
    description: Any = request.description if request.HasField("description") else messages.create(descriptor)
    request.description.CopyFrom(description)
    request.description.sha256 = "" if rng.random() < 0.9 else description.sha256
    if rng.random() < 0.6:
        request.description.type, request.description.subtype = rng.choice(
            [(kind.image_type, subtype) for kind in KINDS for subtype in kind.subtypes]
        )
        request.description.ClearField("map")
    picture = _picture(rng.choice((".png", ".jpg", ".webp", ".tif", ".gif")), rng.choice((16, 64, 200)))
    if rng.random() < 0.4:
        picture = damaged(rng, picture)
    data = type(request)(data=picture)
    return [request.SerializeToString(), data.SerializeToString()]


@cache
def _picture(suffix: str, side: int) -> bytes:
    return picture_bytes(side, side, suffix=suffix)


async def create_samples(service: Service, seed: int, number: int) -> Samples:
    """Create resources whose ids depend on the arguments only, and return the values that refer to them."""

    def id_of(name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/{number}/{name}"))

    theme = f"theme_{seed}_{number}"
    await service.themes.CreateTheme(CreateThemeRequest(theme=Theme(name=theme), request_id=id_of("theme")))
    walls = [{"start": _at(2, 2), "end": _at(6, 2)}, {"start": _at(6, 2), "end": _at(6, 8)}]
    tactical = await service.upload(map=grid_properties() | {"walls": walls}, theme=theme, request_id=id_of("tactical"))
    campaign = await service.upload(
        subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN, theme=theme, request_id=id_of("campaign")
    )
    generations = [
        await service.generate(request(request_id=id_of(name), cache=CacheMode.CACHE_MODE_BYPASS))
        for name, request in (("portrait", portrait), ("item", item), ("map", tactical_map))
    ]
    overlays = [
        await service.create_overlay(
            tactical.id,
            element("token"),
            element("range", range={"kind": "RANGE_KIND_MOVEMENT", "distance_feet": 20}),
            element("sight", line_of_sight={"range_feet": 30}),
            request_id=id_of("tactical overlay"),
        ),
        (
            await service.overlays.CreateCampaignOverlay(
                CreateCampaignOverlayRequest(
                    map_id=campaign.id,
                    elements=[CampaignElement(id="city", coordinates={"x": 9, "y": 9}, place={"type": "town"})],
                    request_id=id_of("campaign overlay"),
                )
            )
        ).overlay,
    ]
    maps = [tactical.id, campaign.id, generations[2].image.id]
    images = [*maps, *(generation.image.id for generation in generations[:2])]
    return {
        "image_id": images,
        "image_ids": images,
        "reference_image_ids": images,
        "map_id": maps,
        "overlay_id": [overlay.id for overlay in overlays],
        "generation_id": [generation.id for generation in generations],
        "theme": [theme, "fantasy", "horror"],
        "name": [theme, "fantasy", *(f"new_{seed}_{number}_{other}" for other in range(20))],
        "request_id": ["", *(id_of(str(reused)) for reused in range(20))],
        "page_token": ["", *await _page_tokens(service)],
        "cursor": ["", "1", "2"],
        "model": ["", MODEL],
        "remove_element_ids": ["token", "range", "city"],
        "update_mask": UPDATE_PATHS,
        "service": ["", "tabletop.image.v1.ImageService", "grpc.health.v1.Health", "campaign-service"],
        "file_containing_symbol": ["tabletop.image.v1.Image"],
        "file_by_filename": ["tabletop/image/v1/image.proto"],
    }


def _at(column: float, row: float) -> Position:
    return Position(x=column, y=row, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)


async def _page_tokens(service: Service) -> list[str]:
    """Return a valid token of each listing."""
    pages = [
        await service.images.ListImages(ListImagesRequest(page_size=1)),
        await service.images.ListImages(ListImagesRequest(page_size=1, type=ImageType.IMAGE_TYPE_MAP)),
        await service.themes.ListThemes(ListThemesRequest(page_size=1)),
        await service.generations.ListGenerations(ListGenerationsRequest(page_size=1)),
    ]
    return [page.next_page_token for page in pages]
