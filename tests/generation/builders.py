"""Requests, records and pictures for tests of generations."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pyvips
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.generation_request_pb2 import (
    GenerateCampaignMapRequest,
    GenerateItemIllustrationRequest,
    GeneratePortraitRequest,
    GenerateTacticalMapRequest,
)
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc.generation import new_record
from image_grpc.generation.kinds import PictureRequest, kind_of
from image_grpc.generation.new_record import CallIdentity
from image_grpc.generation.requests import fingerprint, normalize, picture_in
from image_grpc.generation.resolve import Resolved
from image_grpc.settings import ServerSettings, load
from image_grpc.themes.catalog import built_in_themes

SETTINGS = load(
    ServerSettings,
    model_tactical_map="model-of-tactical-maps",
    model_campaign_map="model-of-campaign-maps",
    model_portrait="model-of-portraits",
    model_item="model-of-items",
    model_apply_theme="model-of-themes",
)
THEME = built_in_themes()["fantasy"]
SIDE = 32
"""Width and height of the pictures, in pixels."""


def new_id() -> str:
    """Return an id that nothing has."""
    return str(uuid.uuid4())


def tactical_map(**fields: Any) -> GenerateTacticalMapRequest:
    """Return a valid request."""
    return GenerateTacticalMapRequest(**_defaults(fields))


def campaign_map(**fields: Any) -> GenerateCampaignMapRequest:
    """Return a valid request."""
    return GenerateCampaignMapRequest(**_defaults(fields))


def portrait(**fields: Any) -> GeneratePortraitRequest:
    """Return a valid request."""
    return GeneratePortraitRequest(**_defaults(fields))


def item(**fields: Any) -> GenerateItemIllustrationRequest:
    """Return a valid request."""
    return GenerateItemIllustrationRequest(**_defaults(fields))


KINDS = (tactical_map, campaign_map, portrait, item)
"""A builder for the requests of each kind."""


def resolved(picture: PictureRequest | None = None, *, theme: Theme = THEME, model: Model | None = None) -> Resolved:
    """Return a resolved request, a portrait by default, without references."""
    picture = picture if picture is not None else portrait()
    kind = kind_of(picture)
    request = normalize(kind, picture, SETTINGS)
    bypass = picture_in(request).cache == CacheMode.CACHE_MODE_BYPASS
    return Resolved(
        kind=kind,
        request=request,
        theme=theme,
        model=model,
        references=(),
        fingerprint="" if bypass else fingerprint(request, theme),
    )


def queued(picture: PictureRequest | None = None) -> GenerationRecord:
    """Return the record of a queued generation, of a portrait by default."""
    picture = picture if picture is not None else portrait()
    return new_record.for_new_image(resolved(picture), CallIdentity.of(picture))


def provider_result(amount: str = "0.035", **fields: Any) -> ProviderResult:
    """Return the result of a call to GetImg.AI; the URL expires in an hour."""
    result = ProviderResult(**{"provider_id": new_id(), "url": "https://getimg.ai/x", **fields})
    result.cost.amount, result.cost.currency, result.cost.quantity = amount, "USD", 1
    if not result.HasField("generate_time"):
        result.generate_time.GetCurrentTime()
    if not result.HasField("expire_time"):
        result.expire_time.FromSeconds(int(time.time()) + 3600)
    return result


def stored_image(**fields: Any) -> Image:
    """Return a portrait without bytes, to be stored."""
    image = Image(**{"id": new_id(), "type": 2, "subtype": 3, **fields})
    image.metadata.theme = image.metadata.theme or "fantasy"
    return image


def picture_bytes(width: int = SIDE, height: int = SIDE, *, suffix: str = ".png") -> bytes:
    """Return a picture of one color."""
    plain = pyvips.Image.black(width, height).new_from_image([90, 110, 70]).copy(interpretation="srgb")
    data: bytes = plain.write_to_buffer(suffix)
    return data


def fill(message: Message) -> Any:
    """Set every field of a message, also of nested ones, to a value that is no default, and return it."""
    for field in message.DESCRIPTOR.fields:
        _fill_field(message, field)
    return message


def _fill_field(message: Any, field: FieldDescriptor) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(message, field.name)["key"] = "value"
    elif field.message_type is not None:
        nested = getattr(message, field.name)
        fill(nested.add() if field.is_repeated else nested)
    elif field.is_repeated:
        getattr(message, field.name).append(_value(field))
    else:
        setattr(message, field.name, _value(field))


def _value(field: FieldDescriptor) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return f"some {field.name}"
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case FieldDescriptor.CPPTYPE_ENUM:
            return field.enum_type.values[2].number  # never the default
        case _:
            return 77


def _defaults(fields: dict[str, Any]) -> dict[str, Any]:
    return {"theme": "fantasy", "size": {"width": SIDE, "height": SIDE}, **fields}
