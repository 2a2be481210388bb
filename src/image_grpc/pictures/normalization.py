"""Pictures of callers as they are stored: upright, sRGB with 8 bits, without private metadata.

Where only the file around the pixels has to change, they are not encoded again. A picture that is normalized already
is returned byte for byte.
"""

from dataclasses import dataclass

import pyvips
from tabletop.image.v1.image_pb2 import Normalization
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures import color, orientation, xmp
from image_grpc.pictures.containers import avif, jpeg, png, replace_metadata
from image_grpc.pictures.decoding import MAX_DECODE_SECONDS, Description, inspect, opened
from image_grpc.pictures.encoding import STORED, encode
from image_grpc.pictures.metadata import has_more, kept_properties, technical_exif

_METADATA = Normalization.NORMALIZATION_METADATA_REMOVED
_FRAMES = Normalization.NORMALIZATION_FRAMES_REMOVED


@dataclass(frozen=True, slots=True)
class Normalized:
    """A normalized picture, its description, and what was changed."""

    data: bytes
    description: Description
    changes: tuple[Normalization, ...]


def normalize(data: bytes) -> Normalized:
    """Return a picture normalized, in its own format; a GIF as PNG. Its pixels are verified only if they are encoded.

    Takes time. Raises BadPicture.
    """
    described, header = inspect(data)
    changes = pixel_changes(header, data, described.format)
    packet = xmp.packet(kept_properties(header, data, described.format))
    if not changes and (unchanged := _with_metadata(data, header, described.format, packet)) is not None:
        removed = _removed(data, described.format) if unchanged is not data else []
        return Normalized(unchanged, described, tuple(removed))
    format_ = encoded_format(described.format)
    with opened(data, described, max_seconds=MAX_DECODE_SECONDS) as picture:
        encoded = encode(picture, format_, STORED, packet)
    if has_more(header, data, described.format, packet) or not changes:
        changes.append(_METADATA)
    return Normalized(encoded, Description(format_, described.width, described.height), tuple(changes))


def encoded_format(format_: ImageFormat) -> ImageFormat:
    """Return the format in which a picture of a format is encoded again: its own, if it can be read as that."""
    return ImageFormat.IMAGE_FORMAT_PNG if format_ == ImageFormat.IMAGE_FORMAT_GIF else format_


def pixel_changes(header: pyvips.Image, data: bytes, format_: ImageFormat) -> list[Normalization]:
    """Return what must change of the pixels of a picture. Takes time."""
    needed = {
        Normalization.NORMALIZATION_TURNED: orientation.is_turned(header)
        or (format_ == ImageFormat.IMAGE_FORMAT_AVIF and avif.is_turned(data)),
        Normalization.NORMALIZATION_COLORS_CONVERTED: not color.is_srgb(header),
        Normalization.NORMALIZATION_DEPTH_REDUCED: header.format != "uchar",
        _FRAMES: bool(header.get_typeof("n-pages")) and header.get("n-pages") > 1,
        Normalization.NORMALIZATION_FORMAT_CONVERTED: encoded_format(format_) != format_,
    }
    return [change for change, is_needed in needed.items() if is_needed]


def _with_metadata(data: bytes, header: pyvips.Image, format_: ImageFormat, packet: bytes) -> bytes | None:
    """Return a file with a packet as its only metadata, maybe `data` itself; None if it has to be encoded for that."""
    technical = technical_exif(header)
    if technical and replace_metadata(data, format_, packet, technical) == data:
        return data
    if format_ == ImageFormat.IMAGE_FORMAT_AVIF:
        return None if avif.has_more(data) or has_more(header, data, format_, packet) else data
    replaced = replace_metadata(data, format_, packet)
    return data if replaced == data else replaced


def _removed(data: bytes, format_: ImageFormat) -> list[Normalization]:
    """Return what is lost of a file whose pixels stay."""
    match format_:
        case ImageFormat.IMAGE_FORMAT_PNG if png.is_animated(data):
            return [_FRAMES, _METADATA]
        case ImageFormat.IMAGE_FORMAT_JPEG if jpeg.has_more_pictures(data):
            return [_FRAMES, _METADATA]
    return [_METADATA]
