"""WebP: RFC 9649, section 2."""

import struct
from collections.abc import Iterator

MAX_CHUNKS = 1_000
"""Most chunks that are read. An animation has one for each frame."""

_HEAD = struct.Struct("<4sI4s")
_EXTENDED, _ALPHA, _LOSSY, _LOSSLESS, _EXIF, _XMP = b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"EXIF", b"XMP "
_HAS_ALPHA = 0x10
_FLAGS = {_EXIF: 0x08, _XMP: 0x04}
_LOSSLESS_ALPHA = 0x10
"""Bit of the fifth byte of a lossless picture: after 28 bits of its size."""


def replace_metadata(data: bytes, xmp: bytes, exif: bytes) -> bytes | None:
    """Return the file with `xmp` as its only metadata but `exif`; None if it is damaged or animated."""
    if len(data) < _HEAD.size or _HEAD.unpack_from(data)[::2] != (b"RIFF", b"WEBP"):
        return None
    chunks = dict(_chunks(data))
    pixels = next((name for name in (_LOSSY, _LOSSLESS) if name in chunks), None)
    if pixels is None or len(chunks[pixels]) < 10:
        return None
    names = [name for name in (_ALPHA, pixels) if name in chunks]
    kept = [(name, chunks[name]) for name in names]
    metadata = [(_EXIF, chunks[_EXIF])] if exif and chunks.get(_EXIF, b"").endswith(exif) else []
    metadata += [(_XMP, xmp)] if xmp else []
    if metadata or _ALPHA in names:
        has_alpha = _ALPHA in names or (pixels == _LOSSLESS and chunks[pixels][4] & _LOSSLESS_ALPHA)
        flags = _HAS_ALPHA if has_alpha else 0
        flags |= sum(_FLAGS[name] for name, _ in metadata)
        kept.insert(0, (_EXTENDED, struct.pack("<I", flags) + _canvas(pixels, chunks[pixels])))
    kept += metadata
    body = b"".join(struct.pack("<4sI", name, len(chunk)) + chunk + bytes(len(chunk) % 2) for name, chunk in kept)
    return _HEAD.pack(b"RIFF", len(body) + 4, b"WEBP") + body


def manifest_sizes(data: bytes) -> Iterator[int]:
    """Yield the size of each chunk of C2PA manifests."""
    return (len(chunk) for name, chunk in _chunks(data) if name == b"C2PA")


def _canvas(pixels: bytes, chunk: bytes) -> bytes:
    """Return the size of the picture, each side as 24 bits of its length less one."""
    if pixels == _LOSSLESS:
        bits = int.from_bytes(chunk[1:5], "little")
        width, height = bits & 0x3FFF, (bits >> 14) & 0x3FFF
    else:
        width, height = ((each & 0x3FFF) - 1 for each in struct.unpack_from("<HH", chunk, 6))
    return width.to_bytes(3, "little") + height.to_bytes(3, "little")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each complete chunk."""
    if len(data) < _HEAD.size:
        return
    end = min(len(data), _HEAD.unpack_from(data)[1] + 8)
    start = _HEAD.size
    for _ in range(MAX_CHUNKS):
        if start + 8 > end:
            return
        name, length = struct.unpack_from("<4sI", data, start)
        if start + 8 + length > end:
            return
        yield name, data[start + 8 : start + 8 + length]
        start += 8 + length + length % 2
