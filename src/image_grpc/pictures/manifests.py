"""Where pictures carry C2PA manifests, without reading them.

C2PA technical specification 2.2, appendix A: a chunk of PNG and WebP pictures, segments of JPEG pictures, a top-level
box of AVIF pictures.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from image_grpc.pictures.containers import avif, jpeg, png, webp


def signable_media_type(data: bytes) -> str:
    """Return the media type of a picture according to its first bytes; empty if it is none that can be signed."""
    return next((each.media_type for each in _CONTAINERS if each.signature.match(data)), "")


def manifest_size(data: bytes) -> int:
    """Return how many bytes of a picture are C2PA manifests; 0 for a picture without any.

    The manifests are not read: they may be invalid. Manifests in other files, which XMP metadata may refer to, do not
    count.
    """
    return next((sum(each.sizes(data)) for each in _CONTAINERS if each.signature.match(data)), 0)


def has_manifest(data: bytes) -> bool:
    """Whether a picture carries a C2PA manifest, valid or not."""
    return manifest_size(data) > 0


class _Container(NamedTuple):
    media_type: str
    signature: re.Pattern[bytes]
    sizes: Callable[[bytes], Iterator[int]]


_CONTAINERS = (
    _Container("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), png.manifest_sizes),
    _Container("image/jpeg", re.compile(rb"\xff\xd8\xff"), jpeg.manifest_sizes),
    _Container("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), webp.manifest_sizes),
    _Container("image/avif", re.compile(rb".{4}ftyp", re.DOTALL), avif.manifest_sizes),
)
