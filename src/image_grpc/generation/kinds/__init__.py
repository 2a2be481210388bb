"""The kinds of pictures. A new kind is a module here, a line in `KINDS`, its messages and its RPC."""

from typing import Any

from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.generation.kinds.campaign_map import CampaignMap
from image_grpc.generation.kinds.item_illustration import ItemIllustration
from image_grpc.generation.kinds.kind import Kind, PictureRequest
from image_grpc.generation.kinds.portrait import Portrait
from image_grpc.generation.kinds.tactical_map import TacticalMap

__all__ = ["KINDS", "Kind", "PictureRequest", "kind_of", "kind_of_field", "kind_of_subtype", "subtypes_of"]

KINDS: tuple[Kind[Any], ...] = (TacticalMap(), CampaignMap(), Portrait(), ItemIllustration())

_BY_REQUEST = {kind.request_type: kind for kind in KINDS}
_BY_FIELD = {kind.field: kind for kind in KINDS}
_BY_SUBTYPE = {subtype: kind for kind in KINDS for subtype in kind.subtypes}


def kind_of(request: PictureRequest) -> Kind[Any]:
    """Return the kind of a Generate request. Raises KeyError for another message."""
    return _BY_REQUEST[type(request)]


def kind_of_field(field: str) -> Kind[Any]:
    """Return the kind with this field in GenerationRequest.kind. Raises KeyError if there is none."""
    return _BY_FIELD[field]


def kind_of_subtype(subtype: ImageSubtype) -> Kind[Any]:
    """Return the kind that generates images of this subtype. Raises KeyError for UNSPECIFIED."""
    return _BY_SUBTYPE[subtype]


def subtypes_of(image_type: ImageType) -> tuple[ImageSubtype, ...]:
    """Return the subtypes of an image type, in the order of the kinds."""
    return tuple(subtype for kind in KINDS if kind.image_type == image_type for subtype in kind.subtypes)
