"""JPEG: ITU-T T.81, annex B. XMP: the XMP specification, part 3, section 1.1.3."""

import re
import struct
from collections.abc import Iterator
from itertools import takewhile

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN_DATA, _SCAN, _JFIF, _EXIF, _XMP, _PHOTOSHOP, _ADOBE = 0, 0xDA, 0xE0, 0xE1, 0xE1, 0xED, 0xEE
_APPLICATION, _EXTENSIONS, _COMMENT = range(0xE0, 0xF0), range(0xF0, 0xFE), 0xFE
_MULTI_PICTURE = b"MPF\0"
_EXIF_HEAD = b"Exif\0\0"
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_CONTENT = 65_533
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
"""Lengths without thumbnail, or what else may follow."""
_NEXT_MARKER = re.compile(rb"\xff+[^\xff\x00\xd0-\xd7]", re.DOTALL)
"""In the data of a scan, 0xFF is followed by 0, or by the number of a restart interval."""


def replace_metadata(data: bytes, xmp: bytes, exif: bytes) -> bytes | None:
    """Return the file with `xmp` as its only metadata but `exif`, without a profile; None if it is damaged."""
    if len(_XMP_HEAD) + len(xmp) > _MAX_CONTENT:
        return None
    wanted = _segment(_XMP, _XMP_HEAD + xmp) if xmp else b""
    kept_exif = _segment(_EXIF, _EXIF_HEAD + exif) if exif else b""
    kept, is_complete = [], False
    for marker, segment in _segments(data):
        is_complete = marker is None
        if segment in (wanted, kept_exif) and segment not in kept:
            kept.append(segment)
        elif (decoded := _decoded(marker, segment)) is not None:
            kept.append(decoded)
    if not is_complete:
        return None
    if wanted and wanted not in kept:
        kept.insert(1 if kept and kept[0][1] == _JFIF else 0, wanted)
    return b"".join([_START, *kept, _END])


def has_more_pictures(data: bytes) -> bool:
    """Return whether the file is one of several pictures (MPO)."""
    return any(segment.startswith(_MULTI_PICTURE, 4) for _, segment in _head(data))


def photoshop_resources(data: bytes) -> bytes:
    """Return the content of the first segment of Photoshop, which has IPTC metadata."""
    return next((segment[4:] for marker, segment in _head(data) if marker == _PHOTOSHOP), b"")


def _head(data: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Yield the segments before the first scan."""
    return takewhile(lambda each: each[0] != _SCAN, _segments(data))


def _decoded(marker: int | None, segment: bytes) -> bytes | None:
    """Return what is needed of a segment for decoding; None if nothing is."""
    content = segment[4:]
    match marker:
        case None:
            return None
        case 0xE0 if content.startswith(b"JFIF\0") and len(content) >= _JFIF_BYTES:
            return _segment(_JFIF, content[: _JFIF_BYTES - 2] + bytes(2))
        case 0xEE if content.startswith(b"Adobe") and len(content) >= _ADOBE_BYTES:
            return _segment(_ADOBE, content[:_ADOBE_BYTES])
        case _ if marker in _APPLICATION or marker in _EXTENSIONS or marker == _COMMENT:
            return None
    return segment


def _segments(data: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Yield the marker of each segment, and the whole segment; for the data of a scan, 0; at the end, None."""
    position = 2
    while data.startswith(_START) and position + 4 <= len(data) + 2 and data[position : position + 1] == b"\xff":
        marker = data[position + 1] if position + 1 < len(data) else 0
        if marker == 0xFF:
            position += 1
            continue
        if marker == _END[1]:
            yield None, b""
            return
        if position + 4 > len(data):
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        if length < 2 or end > len(data):
            return
        yield marker, data[position:end]
        position = end
        if marker == _SCAN:
            next_marker = _NEXT_MARKER.search(data, end)
            if next_marker is None:
                return
            position = next_marker.start()
            yield _SCAN_DATA, data[end:position]


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
