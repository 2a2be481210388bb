"""AVIF: ISO/IEC 14496-12, section 4, and 23008-12. Color information: 14496-12, section 12.1.5."""

import struct
from collections.abc import Iterator

MAX_BOXES = 1_000
"""Most boxes at the top level that are read."""

_PICTURE = ("ftyp", "meta", "mdat")
_PREVIEW, _PREMULTIPLIED, _TURNING = b"thmb", b"prem", (b"irot", b"imir")
"""References between items, and properties of them."""
_CODE_POINTS = b"colrnclx"
_CREDENTIALS = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Type of the box of C2PA manifests."""


def has_more(data: bytes) -> bool:
    """Return whether a file has more than its picture: other boxes, which may contain anything, or a preview."""
    return any(name not in _PICTURE for name, _ in _boxes(data)) or _PREVIEW in _meta(data)


def is_turned(data: bytes) -> bool:
    """Return whether the pixels have to be turned or mirrored to be upright."""
    return any(box in _meta(data) for box in _TURNING)


def is_premultiplied(data: bytes) -> bool:
    """Return whether colors are multiplied by alpha."""
    return _PREMULTIPLIED in _meta(data)


def code_points(data: bytes) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer characteristics (ITU-T H.273); None without any."""
    content = _meta(data)
    start = content.find(_CODE_POINTS) + len(_CODE_POINTS)
    if start < len(_CODE_POINTS) or start + 4 > len(content):
        return None
    primaries, transfer = struct.unpack_from(">HH", content, start)
    return primaries, transfer


def manifest_sizes(data: bytes) -> Iterator[int]:
    """Yield the size of each box of C2PA manifests."""
    for name, content in _boxes(data):
        if name == "uuid" and content.startswith(_CREDENTIALS):
            yield len(content)


def _meta(data: bytes) -> bytes:
    return next((content for name, content in _boxes(data) if name == "meta"), b"")


def _boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each box at the top level. Of a damaged file, the last one may be cut."""
    start = 0
    for _ in range(MAX_BOXES):
        if start + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, start)
        header = 8
        if length == 1 and start + 16 <= len(data):
            header, length = 16, struct.unpack_from(">Q", data, start + 8)[0]
        if length == 0:  # up to the end of the file
            length = len(data) - start
        if length < header:
            return
        yield name.decode("latin-1"), data[start + header : start + length]
        start += length
    if start != len(data):
        yield "", data[start:]
