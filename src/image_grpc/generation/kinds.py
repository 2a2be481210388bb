"""The kinds of pictures: how a request of each becomes a GenerationRequest, and what is read off one."""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.message import Message
from tabletop.image.v1.generation_request_pb2 import (
    CharacterKind,
    GenerateCampaignMapRequest,
    GenerateItemIllustrationRequest,
    GeneratePortraitRequest,
    GenerateTacticalMapRequest,
    GenerationRequest,
    ItemType,
)
from tabletop.image.v1.map_pb2 import GridKind, MapProperties, WallKind
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Priority
from tabletop.storage.v1.record_pb2 import Facets, GenerationRecord

from image_grpc.maps.grid import DEFAULT_CELL, DEFAULT_COLOR
from image_grpc.settings import ServerSettings

PictureRequest = (
    GenerateTacticalMapRequest
    | GenerateCampaignMapRequest
    | GeneratePortraitRequest
    | GenerateItemIllustrationRequest
)

DEFAULT_SIDE = 1024

_FIELDS: dict[type[Message], str] = {
    GenerateTacticalMapRequest: "tactical_map",
    GenerateCampaignMapRequest: "campaign_map",
    GeneratePortraitRequest: "portrait",
    GenerateItemIllustrationRequest: "item_illustration",
}

_ITEM_SUBTYPES = {
    ItemType.ITEM_TYPE_WEAPON: ImageSubtype.IMAGE_SUBTYPE_WEAPON,
    ItemType.ITEM_TYPE_ARMOR: ImageSubtype.IMAGE_SUBTYPE_ARMOR,
    ItemType.ITEM_TYPE_OTHER: ImageSubtype.IMAGE_SUBTYPE_OTHER,
}


PICTURE_REQUESTS = tuple(_FIELDS)
"""The messages that ask for a new picture."""


def picture(request: GenerationRequest) -> Any:
    """The request inside: one of PictureRequest."""
    return getattr(request, request.WhichOneof("kind") or "")


def drawn(record: GenerationRecord) -> Any:
    """What is drawn for a generation: one of PictureRequest."""
    return picture(record.picture if record.HasField("picture") else record.generation.request)


def normalise(request: PictureRequest, settings: ServerSettings) -> GenerationRequest:
    """The request with its defaults filled in, and without what concerns the call alone."""
    normal = GenerationRequest()
    inner = getattr(normal, _FIELDS[type(request)])
    inner.CopyFrom(request)
    for name in ("request_id", "wait_for", "validate_only"):
        inner.ClearField(name)
    if not inner.HasField("size"):
        inner.size.width = inner.size.height = DEFAULT_SIDE
    inner.format = inner.format or ImageFormat.IMAGE_FORMAT_PNG
    inner.priority = inner.priority or Priority.PRIORITY_NORMAL
    inner.cache = inner.cache or CacheMode.CACHE_MODE_USE
    match normal.WhichOneof("kind"):
        case "tactical_map":
            inner.model = inner.model or settings.model_tactical_map
            if inner.HasField("grid"):
                inner.grid.size = inner.grid.size or DEFAULT_CELL
                inner.grid.color = inner.grid.color or DEFAULT_COLOR
                inner.grid.kind = inner.grid.kind or GridKind.GRID_KIND_SQUARE
            for wall in inner.walls:
                wall.kind = wall.kind or WallKind.WALL_KIND_WALL
        case "campaign_map":
            inner.model = inner.model or settings.model_campaign_map
        case "portrait":
            inner.model = inner.model or settings.model_portrait
            inner.kind = inner.kind or CharacterKind.CHARACTER_KIND_PLAYER_CHARACTER
            if inner.character_id:
                inner.source.id = inner.source.id or inner.character_id
        case "item_illustration":
            inner.model = inner.model or settings.model_item
            inner.type = inner.type or ItemType.ITEM_TYPE_OTHER
            if inner.item_id:
                inner.source.id = inner.source.id or inner.item_id
    return normal


def map_properties(request: GenerationRequest) -> MapProperties | None:
    """What is measured and drawn on the map that a normalised request asks for; None if it asks for no map."""
    match request.WhichOneof("kind"):
        case "tactical_map":
            tactical = request.tactical_map
            grid = tactical.grid if tactical.HasField("grid") else None
            return MapProperties(grid=grid, walls=tactical.walls)
        case "campaign_map":
            campaign = request.campaign_map
            scale = campaign.scale if campaign.HasField("scale") else None
            return MapProperties(scale=scale, points_of_interest=campaign.points_of_interest)
    return None


def facets(request: GenerationRequest) -> Facets:
    """What listings filter a normalised request's generation by."""
    inner = picture(request)
    type_, subtype = _types(request)
    return Facets(
        type=type_,
        subtype=subtype,
        theme=inner.theme,
        source_id=inner.source.id,
        service=inner.source.service,
    )


def _types(request: GenerationRequest) -> tuple[ImageType, ImageSubtype]:
    match request.WhichOneof("kind"):
        case "tactical_map":
            return ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_TACTICAL
        case "campaign_map":
            return ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN
        case "portrait":
            return ImageType.IMAGE_TYPE_CHARACTER, ImageSubtype.IMAGE_SUBTYPE_PORTRAIT
        case _:
            return ImageType.IMAGE_TYPE_ITEM, _ITEM_SUBTYPES[request.item_illustration.type]


def fingerprint(request: GenerationRequest, theme: Theme) -> str:
    """Names all normalised requests that ask for the same picture: 64 hexadecimal digits.

    The same picture is of the same kind, parameters, model, references and source, in the same theme as it is
    now. Priority and cache mode do not matter.
    """
    same = GenerationRequest()
    same.CopyFrom(request)
    picture(same).ClearField("priority")
    picture(same).ClearField("cache")
    digest = hashlib.sha256(same.SerializeToString(deterministic=True))
    style = Theme(display_name=theme.display_name, elements=theme.elements)
    digest.update(style.SerializeToString(deterministic=True))
    return digest.hexdigest()
