"""Where pictures carry C2PA manifests, without reading them.

C2PA technical specification 2.2, appendix A: a chunk of PNG and WebP pictures, segments of JPEG pictures, a top-level
box of AVIF pictures.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from image_grpc.pictures.containers import avif

_JUMBF_UUID = bytes.fromhex("6332706100110010800000aa00389b71")
"""Type of the JUMBF box of a manifest store."""
_APP11, _START_OF_SCAN, _END_OF_IMAGE = 0xEB, 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
"""JPEG markers that no length follows."""


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


def _png(data: bytes) -> Iterator[int]:
    start = 8
    while start + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, start)
        if name == b"caBX":
            yield length
        start += 12 + length


def _webp(data: bytes) -> Iterator[int]:
    start = 12
    while start + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, start)
        if name == b"C2PA":
            yield length
        start += 8 + length + length % 2


def _jpeg(data: bytes) -> Iterator[int]:
    """A manifest store is split into segments, which have the same box instance number."""
    instances = set()
    for marker, segment in _jpeg_segments(data):
        if marker != _APP11 or segment[2:4] != b"JP":
            continue
        # Length, "JP", instance, sequence number, and the box: length, "jumb"; then its description: length, "jumd"
        instance = segment[4:6]
        if segment[14:18] == b"jumb" and segment[22:26] == b"jumd" and segment[26:42] == _JUMBF_UUID:
            instances.add(instance)
        if instance in instances:
            yield len(segment)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes, from the length on, of each segment before the pixels."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF:  # padding
            start += 1
        elif marker in _WITHOUT_LENGTH:
            start += 2
        elif marker in (_START_OF_SCAN, _END_OF_IMAGE):
            return
        else:
            (length,) = struct.unpack_from(">H", data, start + 2)
            yield marker, data[start + 2 : start + 2 + length]
            start += 2 + length


class _Container(NamedTuple):
    media_type: str
    signature: re.Pattern[bytes]
    sizes: Callable[[bytes], Iterator[int]]


_CONTAINERS = (
    _Container("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    _Container("image/jpeg", re.compile(rb"\xff\xd8\xff"), _jpeg),
    _Container("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp),
    _Container("image/avif", re.compile(rb".{4}ftyp", re.DOTALL), avif.manifest_sizes),
)
