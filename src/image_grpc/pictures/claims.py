"""What Content Credentials claim of the pictures of this service."""

from collections.abc import Callable, Iterable

import structlog
from tabletop.image.v1.image_pb2 import Image, Normalization

from image_grpc.pictures.credentials import (
    CONVERTED,
    CROPPED,
    EDITED,
    METADATA_REMOVED,
    RESIZED,
    TURNED,
    Change,
    Claim,
    Derived,
    Generated,
    PictureSigner,
    SigningFailed,
    Unsigned,
    drawn,
)
from image_grpc.pictures.decoding import Description, describe, inspect
from image_grpc.pictures.manifests import has_manifest
from image_grpc.pictures.metadata import kept_properties
from image_grpc.pictures.normalization import Normalized, pixel_changes
from image_grpc.pictures.provenance import GENERATED, composed_type
from image_grpc.pictures.rendering import View

log = structlog.get_logger(__name__)

_CHANGES = {
    Normalization.NORMALIZATION_TURNED: TURNED,
    Normalization.NORMALIZATION_COLORS_CONVERTED: CONVERTED,
    Normalization.NORMALIZATION_DEPTH_REDUCED: CONVERTED,
    Normalization.NORMALIZATION_FRAMES_REMOVED: EDITED,
    Normalization.NORMALIZATION_FORMAT_CONVERTED: CONVERTED,
    Normalization.NORMALIZATION_METADATA_REMOVED: METADATA_REMOVED,
}


def try_to_sign(signer: PictureSigner, data: bytes, claim: Callable[[], Claim]) -> bytes | None:
    """Return the signed picture. If signing fails, log it and return None. Takes time."""
    if isinstance(signer, Unsigned):
        return data
    try:
        return signer.sign(data, claim())
    except SigningFailed as failure:
        log.error("picture not signed", problem=str(failure))
        return None


def generated_claim(image: Image, provider_picture: bytes) -> Claim:
    """Return the claim of a stored picture, given the one that was downloaded. Takes time. Raises BadPicture."""
    downloaded, header = inspect(provider_picture)
    content = image.content
    changes = [_CHANGES[each] for each in pixel_changes(header, provider_picture, downloaded.format)]
    if downloaded.width * content.size.height != downloaded.height * content.size.width:
        changes.append(CROPPED)
    if (downloaded.width, downloaded.height) != (content.size.width, content.size.height):
        changes.append(RESIZED)
    if downloaded.format != content.format:
        changes.append(CONVERTED)
    model = image.metadata.generation_params.model
    return Generated(model=model, provider_picture=provider_picture, changes=_distinct(changes))


def upload_claim(normalized: Normalized) -> Claim:
    """Return the claim of a normalized upload. It leaves the original out, whose manifest may be private."""
    return Derived(parent=b"", changes=_distinct(_CHANGES[each] for each in normalized.changes))


def rendition_claim(image: Image, stored: bytes, view: View) -> Claim:
    """Return the claim of a view of a stored picture. Takes time. Raises BadPicture."""
    return _derived(image, stored, _view_changes(describe(stored), view))


def composed_claim(image: Image, stored: bytes, view: View) -> Claim:
    """Return the claim of a view of a stored picture with overlays. Takes time. Raises BadPicture."""
    described, header = inspect(stored)
    kept = kept_properties(header, stored, described.format)
    return _derived(image, stored, [drawn(composed_type(image, kept)), *_view_changes(described, view)])


def scene_claim(image: Image, stored: bytes, scene: Description, scale: float) -> Claim:
    """Return the claim of the picture of a scene, which was scaled and laid on black. Takes time. Raises BadPicture."""
    described = describe(stored)
    changes = [RESIZED] if scale != 1 else []
    if (scene.width, scene.height) != (round(described.width * scale), round(described.height * scale)):
        changes.append(EDITED)
    if scene.format != described.format:
        changes.append(CONVERTED)
    return _derived(image, stored, changes)


def _view_changes(described: Description, view: View) -> list[Change]:
    region = view.region
    changes = [CROPPED] if region is not None else []
    width, height = (region.width, region.height) if region is not None else (described.width, described.height)
    if 0 < view.max_side < max(width, height):
        changes.append(RESIZED)
    if view.format != described.format:
        changes.append(CONVERTED)
    return changes


def _derived(image: Image, stored: bytes, changes: Iterable[Change]) -> Derived:
    is_generated = image.metadata.HasField("generation_params")
    # What callers uploaded as it is may have a manifest with places and names.
    is_private = not is_generated and not image.metadata.normalizations and has_manifest(stored)
    return Derived(
        parent=b"" if is_private else stored, parent_type=GENERATED if is_generated else "", changes=_distinct(changes)
    )


def _distinct(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(dict.fromkeys(changes))
