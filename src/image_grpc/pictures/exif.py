"""EXIF metadata: TIFF 6.0, section 2, and EXIF 2.32, section 4."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from image_grpc.pictures.containers.jpeg import EXIF_HEAD

_ASCII = 2
_ORIENTATION, _EXIF_DIRECTORY = 0x0112, 0x8769
_POINTERS = (0x8769, 0x8825, 0xA005)
"""Tags of further directories: EXIF, GPS, interoperability."""
_TIFF_HEADERS = (b"II*\0", b"MM\0*")
_MAX_ENTRIES, _MAX_DIRECTORIES, _MAX_BLOCKS, _MAX_BLOCK_BYTES = 1_000, 8, 64, 65_536
_TECHNICAL_TAGS = frozenset(
    {
        0x0100,  # width
        0x0101,  # height
        _ORIENTATION,
        0x011A,  # horizontal resolution
        0x011B,  # vertical resolution
        0x0128,  # unit of the resolutions
        0x0213,  # position of chroma samples
        _EXIF_DIRECTORY,
        0x9000,  # version of EXIF
        0x9101,  # components
        0xA000,  # version of Flashpix
        0xA001,  # color space
        0xA002,  # width
        0xA003,  # height
    }
)
_SIZES = {1: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
"""Bytes of a value by its type, without texts."""
_HEADER_BYTES, _DIRECTORY_BYTES, _ENTRY_BYTES = 8, 6, 12
_PADDING_BYTES = 8
"""Further bytes that metadata may have: in more, something could be hidden."""


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    type: int
    count: int
    value: bytes

    @property
    def size(self) -> int:
        """Bytes of the entry, and of a value that is elsewhere."""
        length = self.count * _SIZES.get(self.type, 1)
        return _ENTRY_BYTES + (length if length > 4 else 0)


def text(block: bytes, tag: int) -> str:
    """Return the text of a tag of the first directory; empty if there is none, or it is damaged."""
    tiff = block.removeprefix(EXIF_HEAD)
    try:
        value = next((each.value for each in _entries(tiff) if each.tag == tag and each.type == _ASCII), b"")
    except struct.error:
        return ""
    # A copyright has two parts, of the photographer and of the editor.
    return " ".join(filter(None, (decoded(part).strip() for part in value.split(b"\0"))))


def decoded(value: bytes) -> str:
    """Return a text in UTF-8, or in Latin-1 as before Unicode."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def is_excessive(data: bytes) -> bool:
    """Return whether EXIF metadata anywhere in a file takes long to read, because its directories refer to each other.

    Readers follow every reference, and take seconds for a few kilobytes.
    """
    starts = islice(_tiff_starts(data), _MAX_BLOCKS)
    return any(_has_excess(data[start : start + _MAX_BLOCK_BYTES]) for start in starts)


def _tiff_starts(data: bytes) -> Iterator[int]:
    for header in _TIFF_HEADERS:  # a regular expression would take a hundred times as long
        start = data.find(header)
        while start >= 0:
            yield start
            start = data.find(header, start + 1)


def _has_excess(tiff: bytes) -> bool:
    pending: list[int | None] = [None]
    directories = 0
    while pending:
        directories += 1
        try:
            entries = list(_entries(tiff, pending.pop()))
        except struct.error:
            continue
        pointers = [each for each in entries if each.tag in _POINTERS]
        if len({each.tag for each in pointers}) < len(pointers) or directories > _MAX_DIRECTORIES:
            return True
        pending += [struct.unpack(f"{_order(tiff)}I", each.value)[0] for each in pointers if len(each.value) == 4]
    return False


def is_technical(block: bytes) -> bool:
    """Return whether metadata only describes how upright pixels are laid out, without texts, places or previews."""
    tiff = block.removeprefix(EXIF_HEAD)
    try:
        entries = list(_entries(tiff))
        pointers = [each.value for each in entries if each.tag == _EXIF_DIRECTORY]
        for pointer in pointers:
            entries += _entries(tiff, *struct.unpack(f"{_order(tiff)}I", pointer))
    except struct.error:
        return False
    # Some viewers apply an orientation here although AVIF, for example, has its own.
    turned = [each for each in entries if each.tag == _ORIENTATION and each.value[:2].strip(b"\0") != b"\1"]
    is_technical_only = all(each.tag in _TECHNICAL_TAGS and each.type in _SIZES for each in entries)
    used = _HEADER_BYTES + (1 + len(pointers)) * _DIRECTORY_BYTES + sum(each.size for each in entries)
    return bool(entries) and not turned and is_technical_only and len(tiff) <= used + _PADDING_BYTES


def _order(tiff: bytes) -> str:
    """Return the order of bytes, as `struct` names it. Raises struct.error."""
    if tiff[:2] not in (b"II", b"MM"):
        raise struct.error("no TIFF header")
    return "<" if tiff[:2] == b"II" else ">"


def _entries(tiff: bytes, start: int | None = None) -> Iterator[_Entry]:
    """Yield the entries of a directory, by default the first; values that do not fit are cut. Raises struct.error."""
    order = _order(tiff)
    if start is None:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for index in range(min(count, _MAX_ENTRIES)):
        position = start + 2 + 12 * index
        tag, type_, length, offset = struct.unpack_from(f"{order}HHII", tiff, position)
        is_short_text = type_ == _ASCII and length <= 4
        value = tiff[position + 8 : position + 12]
        if type_ == _ASCII and not is_short_text:
            value = tiff[offset : offset + length]
        yield _Entry(tag, type_, length, value[:length] if is_short_text else value)
