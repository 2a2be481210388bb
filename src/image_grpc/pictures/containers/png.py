"""PNG: https://www.w3.org/TR/png-3/. XMP: the XMP specification, part 3, section 1.1.5."""

import struct
from collections.abc import Iterator
from itertools import groupby

from zlib_ng import zlib_ng

from image_grpc.workers import stop_if_abandoned

MAX_CHUNKS = 65_536
"""Most chunks that are read. One of pixels has 8 kB or more."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"sRGB", b"pHYs", b"IDAT")
_COLOR = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_LENGTHS = {b"IHDR": 13, b"sRGB": 1, b"pHYs": 9}
"""Lengths of contents: in longer ones, something could be hidden."""
_CHANNELS = {2: 3, 6: 4}
"""Of the color types RGB and RGBA."""
_MAX_FILTER = 4
_BLOCK_BYTES = 1024 * 1024
"""Pixels that are decompressed at once."""
_CRC_BYTES = 5120
"""For larger data, zlib-ng lets other threads run Python, and the thread has to wait for its turn again each time."""
_XMP_HEAD = b"XML:com.adobe.xmp\0\0\0\0\0"
"""Keyword, no compression, no language, no translated keyword."""
_AFTER_HEADER = len(_SIGNATURE) + 12 + 13


def replace_metadata(data: bytes, xmp: bytes, exif: bytes) -> bytes | None:
    """Return the file with `xmp` as its only metadata but `exif`, without chunks of color; None if it is damaged."""
    wanted, kept_exif = memoryview(_xmp_chunk(xmp)), _chunk(b"eXIf", exif) if exif else b""
    chunks = list(_chunks(data))
    if not chunks or chunks[-1][0] != b"IEND" or chunks[0][0] != b"IHDR":
        return None
    kept = [chunk for name, chunk in chunks if _is_kept(name, chunk) or chunk in (wanted, kept_exif)]
    if wanted and kept.count(wanted) != 1:
        kept = [kept[0], wanted, *(chunk for chunk in kept[1:] if chunk != wanted)]
    return b"".join([_SIGNATURE, *kept, _chunk(b"IEND", b"")])


def is_complete(data: bytes) -> bool | None:
    """Return whether all pixels can be decoded, in a third of the time of decoding them.

    None if only decoding tells: for pictures other than RGB or RGBA of 8 bits that are not interlaced. Takes time.
    """
    chunks = list(_chunks(data))
    names = [name for name, _ in groupby(name for name, _ in chunks)]
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 12 + 13 or names.count(b"IDAT") != 1:
        return None
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1][8:-4])
    if depth != 8 or interlace or color not in _CHANNELS:
        return None
    row_bytes = 1 + width * _CHANNELS[color]  # each row begins with the type of its filter
    stream, size = zlib_ng.decompressobj(), 0
    try:
        for block in _decompressed(stream, b"".join(chunk[8:-4] for name, chunk in chunks if name == b"IDAT")):
            stop_if_abandoned()
            filters_in_block = block[-size % row_bytes :: row_bytes]
            if max(filters_in_block, default=0) > _MAX_FILTER:
                return False
            size += len(block)
            if size > row_bytes * height:
                return False
    except zlib_ng.error:  # type: ignore[misc]  # its stub declares an instance
        return False
    return bool(stream.eof and not stream.unused_data and size == row_bytes * height)


def _decompressed(stream: "zlib_ng._Decompress", data: bytes) -> Iterator[bytes]:
    # Few large blocks: after each, the thread has to wait for its turn to run Python.
    block = stream.decompress(data, _BLOCK_BYTES)
    yield block
    # After the end of the stream, the rest stays in `unconsumed_tail` however often it is passed.
    while not stream.eof and (stream.unconsumed_tail or len(block) == _BLOCK_BYTES):
        block = stream.decompress(stream.unconsumed_tail, _BLOCK_BYTES)
        yield block


def with_xmp(data: bytes, xmp: bytes) -> bytes:
    """Return a file that has no XMP packet with one."""
    return data[:_AFTER_HEADER] + _xmp_chunk(xmp) + data[_AFTER_HEADER:]


def color_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the chunks that describe colors, by name."""
    return {name: bytes(chunk[8:-4]) for name, chunk in _head(data) if name in _COLOR}


def texts(data: bytes) -> dict[str, str]:
    """Return texts by keyword: those in Latin-1, and those in UTF-8 that are not compressed."""
    texts_by_keyword = {}
    for name, chunk in _chunks(data):
        if name not in _TEXT:
            continue
        keyword, _, content = bytes(chunk[8:-4]).partition(b"\0")
        if name == b"tEXt":
            texts_by_keyword[keyword.decode("latin-1")] = content.decode("latin-1")
        elif name == b"iTXt" and content.startswith(b"\0\0"):
            texts_by_keyword[keyword.decode("latin-1")] = content.split(b"\0", 4)[-1].decode("utf-8", "replace")
    return texts_by_keyword


def header(data: bytes) -> bytes:
    """Return the file up to its pixels; the whole file if the chunks before them cannot all be read."""
    size = len(_SIGNATURE)
    for name, chunk in _chunks(data):
        if name == b"IDAT":
            return data[:size]
        size += len(chunk)
    return data


def has_texts(data: bytes) -> bool:
    """Return whether the file has texts other than an XMP packet."""
    return any(name in _TEXT and chunk[8 : 8 + len(_XMP_HEAD)] != _XMP_HEAD for name, chunk in _chunks(data))


def is_animated(data: bytes) -> bool:
    """Return whether the file has further frames."""
    return any(name == b"acTL" for name, _ in _head(data))


def manifest_sizes(data: bytes) -> Iterator[int]:
    """Yield the size of each chunk of C2PA manifests."""
    return (len(chunk) for name, chunk in _chunks(data) if name == b"caBX")


def _is_kept(name: bytes, chunk: memoryview) -> bool:
    return name in _KEPT and len(chunk) - 12 == _LENGTHS.get(name, len(chunk) - 12)


def _head(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the chunks before the pixels."""
    for name, chunk in _chunks(data):
        if name == b"IDAT":
            return
        yield name, chunk


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name of each chunk, and the whole chunk, up to IEND, the first damaged one, or the end of the data."""
    view, start = memoryview(data), len(_SIGNATURE)  # slices of a view are no copies
    for _ in range(MAX_CHUNKS if data.startswith(_SIGNATURE) else 0):
        if start + 12 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, start)
        end = start + 12 + length
        if end > len(data) or struct.pack(">I", _crc(view[start + 4 : end - 4])) != data[end - 4 : end]:
            return
        name = data[start + 4 : start + 8]
        yield name, view[start:end]
        if name == b"IEND":
            return
        start = end


def _crc(data: memoryview) -> int:
    crc = 0
    for start in range(0, len(data), _CRC_BYTES):
        crc = zlib_ng.crc32(data[start : start + _CRC_BYTES], crc)
    return crc


def _xmp_chunk(xmp: bytes) -> bytes:
    return _chunk(b"iTXt", _XMP_HEAD + xmp) if xmp else b""


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib_ng.crc32(name + content))
