"""JPEG: ITU-T T.81, annex B. XMP: the XMP specification, part 3, section 1.1.3."""

import re
import struct
from collections.abc import Iterator
from itertools import takewhile

MAX_SEGMENTS = 20_000
"""Most segments that are read."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN_DATA, _SCAN, _JFIF, _EXIF, _XMP, _PHOTOSHOP, _ADOBE = 0, 0xDA, 0xE0, 0xE1, 0xE1, 0xED, 0xEE
_APPLICATION, _EXTENSIONS, _COMMENT = range(0xE0, 0xF0), range(0xF0, 0xFE), 0xFE
_MULTI_PICTURE = b"MPF\0"
EXIF_HEAD = b"Exif\0\0"
"""Before EXIF metadata in JPEG, and in some other files."""
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_CONTENT = 65_533
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
"""Lengths without thumbnail, or what else may follow."""
_JUMBF, _MANIFEST_STORE = 0xEB, bytes.fromhex("6332706100110010800000aa00389b71")
_PHOTOSHOP_HEAD = b"Photoshop 3.0\0"
_FILL = re.compile(rb"\xff+")
"""Any number of these may precede a marker."""
_NEXT_MARKER = re.compile(rb"\xff+[^\xff\x00\xd0-\xd7]", re.DOTALL)
"""In the data of a scan, 0xFF is followed by 0, or by the number of a restart interval."""


def replace_metadata(data: bytes, xmp: bytes, exif: bytes) -> bytes | None:
    """Return the file with `xmp` as its only metadata but `exif`, without a profile; None if it is damaged."""
    if len(_XMP_HEAD) + len(xmp) > _MAX_CONTENT:
        return None
    wanted = _segment(_XMP, _XMP_HEAD + xmp) if xmp else b""
    kept_exif = _segment(_EXIF, EXIF_HEAD + exif) if exif else b""
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


def header(data: bytes) -> bytes:
    """Return the segments before the first scan; the whole file if they cannot all be read."""
    segments: list[bytes] = []
    for marker, segment in _segments(data):
        if marker == _SCAN:
            return b"".join(segments)
        segments.append(segment)
    return data


def has_more_pictures(data: bytes) -> bool:
    """Return whether the file is one of several pictures (MPO)."""
    return any(segment.startswith(_MULTI_PICTURE, 4) for _, segment in _head(data))


def photoshop_resources(data: bytes) -> bytes:
    """Return the resources of Photoshop, which have IPTC metadata: the contents of all segments together."""
    segments = (segment[4:] for marker, segment in _head(data) if marker == _PHOTOSHOP)
    return b"".join(each.removeprefix(_PHOTOSHOP_HEAD) for each in segments)


def manifest_sizes(data: bytes) -> Iterator[int]:
    """Yield the size of each segment of C2PA manifests: a store of them is split into segments of one instance."""
    instances = set()
    for marker, segment in _head(data):
        if marker != _JUMBF or segment[4:6] != b"JP":
            continue
        # After marker and length: "JP", instance, sequence number, and the box: length, "jumb"; then its description:
        # length, "jumd", type.
        instance = segment[6:8]
        if segment[16:20] == b"jumb" and segment[24:28] == b"jumd" and segment[28:44] == _MANIFEST_STORE:
            instances.add(instance)
        if instance in instances:
            yield len(segment)


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
    for _ in range(MAX_SEGMENTS if data.startswith(_START) else 0):
        fill = _FILL.match(data, position)
        if fill is None or fill.end() >= len(data):
            return
        position = fill.end() - 1
        marker = data[position + 1]
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
