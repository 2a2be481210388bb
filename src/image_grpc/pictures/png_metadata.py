"""The metadata of a PNG picture, replaced without encoding its pixels again, which takes longer than all other steps.

Chunks: https://www.w3.org/TR/png-3/#4Concepts.FormatChunks. XMP: the XMP specification, part 3, section 1.1.5.
"""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NEUTRAL = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"pHYs", b"sRGB", b"IHDR", b"IDAT", b"IEND")
"""Chunks with which the pixels are plain sRGB."""
_KEPT = (b"IHDR", b"sRGB", b"IDAT", b"IEND")
_XMP_HEAD = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00"
"""Keyword, no compression, no language, no translated keyword."""
_TRUECOLOR, _TRUECOLOR_WITH_ALPHA = 2, 6


def replace_metadata(data: bytes, xmp: bytes) -> bytes | None:
    """Return a PNG picture with `xmp` as its only metadata.

    Return None if it has to be encoded for that, because its pixels are not plain sRGB with 8 bits per channel, or its
    structure is not simple. The pixels are not checked, and an orientation in its EXIF metadata is ignored.
    """
    if not data.startswith(_SIGNATURE):
        return None
    result = [_SIGNATURE]
    for name, chunk in _chunks(data):
        if name not in _NEUTRAL or (name == b"IHDR" and not _is_plain(chunk)):
            return None
        if name in _KEPT:
            result.append(chunk)
        if name == b"IHDR" and xmp:
            result.append(_chunk(b"iTXt", _XMP_HEAD + xmp))
        if name == b"IEND":
            return b"".join(result)
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name of each chunk, and the whole chunk, up to the first damaged one or the end of the data."""
    start = len(_SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        chunk = data[start : start + 12 + length]
        if len(chunk) < 12 + length or struct.pack(">I", zlib.crc32(chunk[4:-4])) != chunk[-4:]:
            return
        yield chunk[4:8], chunk
        start += len(chunk)


def _is_plain(header: bytes) -> bool:
    """Return whether a header is one of 8 bits per channel, with three or four channels, not interlaced."""
    bit_depth, color_type, _, _, interlace = header[16:21]
    return bit_depth == 8 and color_type in (_TRUECOLOR, _TRUECOLOR_WITH_ALPHA) and not interlace


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
