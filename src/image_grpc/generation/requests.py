"""Generation requests: normalizing, wrapping, and fingerprinting Generate requests of any kind."""

import hashlib
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from tabletop.image.internal.v1.generation_record_pb2 import Facets, GenerationRecord
from tabletop.image.v1.generation_request_pb2 import GenerationRequest, RegenerateImageRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageType, Priority
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc import tenancy
from image_grpc.generation.kinds import Kind, PictureRequest, kind_of_field, kind_of_subtype
from image_grpc.messages import clear_empty_messages, clone, clone_without, enum_label, oneof_field, oneof_value
from image_grpc.settings import ServerSettings
from image_grpc.storage.filters import ListPictures, picture_filter

CALL_FIELDS = ("request_id", "wait_for", "validate_only")
"""Fields that concern the call, not the picture."""

FORMATS = (ImageFormat.IMAGE_FORMAT_PNG, ImageFormat.IMAGE_FORMAT_JPEG, ImageFormat.IMAGE_FORMAT_WEBP)
"""The formats of generated pictures and of references: those that GetImg.AI has."""


def kind_in(request: GenerationRequest) -> Kind[Any]:
    """Return the kind of picture that a complete request describes."""
    return kind_of_field(oneof_field(request, "kind"))


def picture_in(request: GenerationRequest) -> PictureRequest:
    """Return the Generate request inside a complete request."""
    picture: PictureRequest = oneof_value(request, "kind")
    return picture


def complete_request(record: GenerationRecord) -> GenerationRequest:
    """Return the complete request that a generation is generated from."""
    return record.picture if record.HasField("picture") else record.generation.request


def wrap(kind: Kind[Any], picture: PictureRequest) -> GenerationRequest:
    """Return a complete request with a copy of a Generate request."""
    request = GenerationRequest()
    getattr(request, kind.field).CopyFrom(picture)
    return request


def normalize(kind: Kind[Any], picture: PictureRequest, settings: ServerSettings) -> GenerationRequest:
    """Return the complete request with its defaults filled in and without the fields of the call.

    Raises PermissionDenied for a service other than the caller's.
    """
    request = wrap(kind, clone_without(picture, *CALL_FIELDS))
    normalized = picture_in(request)
    clear_empty_messages(normalized)  # some clients send them, others leave them out
    if not normalized.HasField("size"):
        normalized.size.CopyFrom(kind.default_size(normalized))
    normalized.format = normalized.format or ImageFormat.IMAGE_FORMAT_PNG
    normalized.priority = normalized.priority or Priority.PRIORITY_NORMAL
    normalized.cache = normalized.cache or CacheMode.CACHE_MODE_USE
    if service := tenancy.resolve_service(normalized.source.service, "source.service"):
        normalized.source.service = service
    normalized.model = normalized.model or kind.default_model(settings, normalized)
    kind.fill_defaults(normalized)
    return request


def changed_fields(request: GenerationRequest) -> set[str]:
    """Return the parameters of a picture that a request for a new version sets; those of other requests are all set."""
    match oneof_field(request, "kind"):
        case "regenerate_image":
            return {path.partition(".")[0] for path in update_mask(request.regenerate_image).paths}
        case "apply_theme":
            return {"theme"}
    return {field.name for field in picture_in(request).DESCRIPTOR.fields}


def update_mask(request: RegenerateImageRequest) -> FieldMask:
    """Return the fields to change: by default those of the parameters that are set to something."""
    kind = request.WhichOneof("parameters")
    if request.update_mask.paths or kind is None:
        return request.update_mask
    parameters = clone(getattr(request, kind))
    clear_empty_messages(parameters)
    return FieldMask(paths=[field.name for field, _ in parameters.ListFields()])


def facets(request: GenerationRequest) -> Facets:
    """Return what listings filter the generation of a normalized request by."""
    kind, picture = kind_in(request), picture_in(request)
    return Facets(
        type=kind.image_type,
        subtype=kind.subtype_of(picture),
        theme=picture.theme,
        source_id=picture.source.id,
        service=picture.source.service,
    )


def listing_filter(request: ListPictures) -> ListFilter:
    """Return the filter that a List request describes.

    It has the type of a subtype in any case: the indexes begin with the type.
    """
    filter_ = picture_filter(request)
    if request.subtype and not request.type:
        filter_.index.type = enum_label(ImageType, kind_of_subtype(request.subtype).image_type)
    return filter_


def fingerprint(request: GenerationRequest, theme: Theme, *, any_source: bool = False) -> str:
    """Return a SHA-256 that all normalized requests for the same picture share, in hexadecimal digits.

    The same picture has the same kind, parameters, model, references and source, and the theme's current style.
    Priority and cache mode do not matter, and with `any_source` neither does the source.
    """
    other = ("priority", "cache", "source") if any_source else ("priority", "cache")
    content = wrap(kind_in(request), clone_without(picture_in(request), *other))
    digest = hashlib.sha256(content.SerializeToString(deterministic=True))
    digest.update(kind_in(request).fingerprint_salt(picture_in(request)))
    style = Theme(display_name=theme.display_name, elements=theme.elements)
    digest.update(style.SerializeToString(deterministic=True))
    return digest.hexdigest()
