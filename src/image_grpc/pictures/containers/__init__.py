"""The files around encoded pixels: metadata is replaced without encoding the pixels again.

Only what is needed to decode a picture stays, besides one XMP packet. The pixels are not checked.
"""

from collections.abc import Callable, Mapping

from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures.containers import jpeg, png, webp

_REPLACE: Mapping[ImageFormat, Callable[[bytes, bytes, bytes], bytes | None]] = {
    ImageFormat.IMAGE_FORMAT_PNG: png.replace_metadata,
    ImageFormat.IMAGE_FORMAT_JPEG: jpeg.replace_metadata,
    ImageFormat.IMAGE_FORMAT_WEBP: webp.replace_metadata,
}


_HEADER: Mapping[ImageFormat, Callable[[bytes], bytes]] = {
    ImageFormat.IMAGE_FORMAT_PNG: png.header,
    ImageFormat.IMAGE_FORMAT_JPEG: jpeg.header,
}


def header_of(data: bytes, format_: ImageFormat) -> bytes:
    """Return the part of a file from which decoders read metadata before the pixels; all of it if that is not known."""
    header = _HEADER.get(format_)
    return header(data) if header is not None else data


def replace_metadata(data: bytes, format_: ImageFormat, xmp: bytes, exif: bytes = b"") -> bytes | None:
    """Return a file with `xmp` as its only metadata; empty: none. A file that is so already is returned unchanged.

    If the file has EXIF metadata that is equal to `exif`, it keeps that.

    Return None if the picture has to be encoded for that, because of its format or damages.
    """
    replace = _REPLACE.get(format_)
    return replace(data, xmp, exif.removeprefix(jpeg.EXIF_HEAD)) if replace is not None else None
