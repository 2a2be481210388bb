"""New versions of an image: what is drawn for a request to change one."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerationRequest,
    ItemType,
    RegenerateImageRequest,
)
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, Priority
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc import records
from image_grpc.errors import ImageNotFound, InvalidArgument, VersionConflict, Violation
from image_grpc.generation import kinds, prompts, transitions
from image_grpc.generation.themes import Themes
from image_grpc.storage import ImageStorageClient

RevisionRequest = RegenerateImageRequest | ApplyThemeRequest

OF_THE_CALL = ("request_id", "wait_for", "validate_only", "priority", "cache")
"""Parameters that say nothing of the picture."""

_KINDS = {
    ImageSubtype.IMAGE_SUBTYPE_TACTICAL: "tactical_map",
    ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN: "campaign_map",
    ImageSubtype.IMAGE_SUBTYPE_PORTRAIT: "portrait",
}
_ITEMS = {
    ImageSubtype.IMAGE_SUBTYPE_WEAPON: ItemType.ITEM_TYPE_WEAPON,
    ImageSubtype.IMAGE_SUBTYPE_ARMOR: ItemType.ITEM_TYPE_ARMOR,
}


async def image_to_change(storage: ImageStorageClient, request: RevisionRequest) -> Image:
    """The image that a request names, if it is at the version that the caller saw last.

    Raises ImageNotFound, VersionConflict.
    """
    image = await storage.images.retrieve(request.image_id)
    if image is None:
        raise ImageNotFound(f"there is no image {request.image_id}", metadata={"image_id": request.image_id})
    if image.version != request.version:
        raise VersionConflict(
            f"the image is at version {image.version}, not {request.version}: get it, and ask again",
            metadata={"version": str(image.version)},
        )
    return image


def regenerated(image: Image, request: RegenerateImageRequest) -> GenerationRequest:
    """The image's own request with changed parameters, not yet checked. Raises InvalidArgument."""
    changed = request_of(image)
    kind = changed.WhichOneof("kind") or ""
    given = request.WhichOneof("parameters")
    if given is not None and given != kind:
        raise InvalidArgument.of([Violation(given, f"the image was made as {kind}, so give {kind}")])
    parameters: Any = getattr(request, kind)
    mask = request.update_mask
    if not mask.paths:
        mask = FieldMask(paths=[field.name for field, _ in parameters.ListFields()])
    if not mask.IsValidForDescriptor(parameters.DESCRIPTOR):
        raise InvalidArgument.of([Violation("update_mask", f"names fields that {kind} does not have")])
    if concerns_call := {path.split(".")[0] for path in mask.paths} & set(OF_THE_CALL):
        names = ", ".join(sorted(concerns_call))
        raise InvalidArgument.of([Violation(kind, f"must not have {names}: those of the request itself count")])
    mask.MergeMessage(parameters, getattr(changed, kind), replace_message_field=True, replace_repeated_field=True)
    return changed


def request_of(image: Image) -> GenerationRequest:
    """The request that an image was made from; for an uploaded one, what would ask for one like it."""
    made = GenerationRequest()
    if image.metadata.HasField("generation_params"):
        made.CopyFrom(image.metadata.generation_params.request)
        return made
    inner: Any = getattr(made, _KINDS.get(image.subtype, "item_illustration"))
    inner.theme, inner.format = image.metadata.theme, image.content.format
    inner.size.CopyFrom(image.content.size)
    inner.source.id, inner.source.service = image.metadata.source_id, image.metadata.service
    match made.WhichOneof("kind"):
        case "tactical_map":
            if image.map.HasField("grid"):
                inner.grid.CopyFrom(image.map.grid)
            inner.walls.extend(image.map.walls)
        case "campaign_map":
            if image.map.HasField("scale"):
                inner.scale.CopyFrom(image.map.scale)
            inner.points_of_interest.extend(image.map.points_of_interest)
        case "item_illustration":
            inner.type = _ITEMS.get(image.subtype, ItemType.ITEM_TYPE_OTHER)
    return made


def regeneration(
    id_: str, image: Image, request: RegenerateImageRequest, picture: GenerationRequest, theme: Theme
) -> GenerationRecord:
    """The generation of a new version with a changed and normalised request."""
    record = _record(id_, image, request, picture, theme)
    record.generation.request.regenerate_image.CopyFrom(_said(request))
    return record


async def restyling(
    id_: str, image: Image, request: ApplyThemeRequest, picture: GenerationRequest, theme: Theme, themes: Themes
) -> GenerationRecord:
    """The generation of a new version in another theme, from the picture that is there. `picture` is the image's
    own request in the new theme, normalised."""
    old = await themes.get(image.metadata.theme) or Theme(name=image.metadata.theme)
    record = _record(id_, image, request, picture, theme)
    record.generation.request.apply_theme.CopyFrom(_said(request))
    record.prompt = prompts.restyling(picture, old, theme, request)
    record.reference_version = image.version
    applied = record.theme_association
    applied.theme, applied.theme_version = theme.name, theme.version
    applied.strength = request.strength if request.HasField("strength") else 1.0
    applied.elements.extend(request.elements)
    applied.style.CopyFrom(request.style)
    applied.apply_time.CopyFrom(records.now())
    return record


def _record(
    id_: str, image: Image, request: RevisionRequest, picture: GenerationRequest, theme: Theme
) -> GenerationRecord:
    kinds.picture(picture).priority = request.priority or Priority.PRIORITY_NORMAL
    record = transitions.queued(id_, picture, theme, fingerprint="")
    record.picture.CopyFrom(picture)
    record.image_id = image.id
    return record


def _said(request: Any) -> Any:
    """The request without what concerned the call alone."""
    said = type(request)()
    said.CopyFrom(request)
    for name in ("request_id", "wait_for", "validate_only"):
        said.ClearField(name)
    return said
