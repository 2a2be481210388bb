"""Damaged pictures, which a careful client rejects."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from getimg_standin.picture import Picture

HUGE_SIDE = 40_000

_ROWS_PER_BLOCK = 100

HTML_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


def huge_png() -> bytes:
    """Return a valid black PNG of 40,000 x 40,000 pixels: 1.6 GB of pixels in about 1.6 MB."""
    header = struct.pack(">IIBBBBB", HUGE_SIDE, HUGE_SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", _black_rows()) + _chunk(b"IEND", b"")


def other_size(picture: Picture) -> Picture:
    """Return the same picture with other dimensions than announced."""
    return replace(picture, width=max(8, picture.width // 2), height=max(8, picture.height * 3 // 8))


def _black_rows() -> bytes:
    # After a full flush the stream has no references to earlier bytes, so one compressed block of rows can
    # be repeated instead of compressing all 1.6 GB.
    row_bytes = 1 + HUGE_SIDE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(bytes(row_bytes * _ROWS_PER_BLOCK)) + compressor.flush(zlib.Z_FULL_FLUSH)
    last_block = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush(zlib.Z_FINISH)
    # Adler-32 of n zero bytes: the low half is 1, the high half counts them.
    checksum = (row_bytes * HUGE_SIDE % 65_521) << 16 | 1
    return b"\x78\xda" + block * (HUGE_SIDE // _ROWS_PER_BLOCK) + last_block + struct.pack(">I", checksum)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
