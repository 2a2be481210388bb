"""PNG: https://www.w3.org/TR/png-3/. XMP: the XMP specification, part 3, section 1.1.5."""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"sRGB", b"pHYs", b"IDAT", b"IEND")
_COLOR = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_XMP_HEAD = b"XML:com.adobe.xmp\0\0\0\0\0"
"""Keyword, no compression, no language, no translated keyword."""
_PACKED_XMP_HEADS = (b"iTXtXML:com.adobe.xmp\0\1\0\0\0", b"zTXtXML:com.adobe.xmp\0\0")
"""With compression, the second as libpng writes it."""
_MAX_PACKET_BYTES = 100_000
"""More than the largest packet that is written."""


def replace_metadata(data: bytes, xmp: bytes, exif: bytes) -> bytes | None:
    """Return the file with `xmp` as its only metadata but `exif`, without chunks of color; None if it is damaged."""
    kept_exif = _chunk(b"eXIf", exif) if exif else b""
    chunks = list(_chunks(data))
    packed = (chunk for _, chunk in chunks if xmp and _unpacked(chunk) == xmp)
    wanted = next(packed, _chunk(b"iTXt", _XMP_HEAD + xmp) if xmp else b"")
    if not chunks or chunks[-1][0] != b"IEND" or chunks[0][0] != b"IHDR":
        return None
    kept = [chunk for name, chunk in chunks if name in _KEPT or chunk in (wanted, kept_exif)]
    if wanted and kept.count(wanted) != 1:
        kept = [kept[0], wanted, *(chunk for chunk in kept[1:] if chunk != wanted)]
    return b"".join([_SIGNATURE, *kept])


def color_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the chunks that describe colors, by name."""
    return {name: chunk[8:-4] for name, chunk in _head(data) if name in _COLOR}


def is_animated(data: bytes) -> bool:
    """Return whether the file has further frames."""
    return any(name == b"acTL" for name, _ in _head(data))


def _head(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks before the pixels."""
    for name, chunk in _chunks(data):
        if name == b"IDAT":
            return
        yield name, chunk


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name of each chunk, and the whole chunk, up to IEND, the first damaged one, or the end of the data."""
    start = len(_SIGNATURE)
    while data.startswith(_SIGNATURE) and start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        chunk = data[start : start + 12 + length]
        if len(chunk) < 12 + length or struct.pack(">I", zlib.crc32(chunk[4:-4])) != chunk[-4:]:
            return
        yield chunk[4:8], chunk
        if chunk[4:8] == b"IEND":
            return
        start += len(chunk)


def _unpacked(chunk: bytes) -> bytes:
    """Return the XMP packet of a chunk that has it compressed; empty for other chunks."""
    head = next((head for head in _PACKED_XMP_HEADS if chunk.startswith(head, 4)), None)
    if head is None:
        return b""
    try:
        return zlib.decompressobj().decompress(chunk[4 + len(head) : -4], _MAX_PACKET_BYTES)
    except zlib.error:
        return b""


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
