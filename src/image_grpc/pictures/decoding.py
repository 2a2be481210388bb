"""Bounded decoding of untrusted pictures to upright sRGB with 8 bits per channel, with or without alpha.

Only the first frame of an animation is decoded.
"""

import ctypes
import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.errors import GenerationError
from image_grpc.pictures import color, exif, orientation
from image_grpc.pictures.containers import avif, header_of, png
from image_grpc.workers import DECODING, stop_if_abandoned, stopping

MAX_SIDE = 8192
"""Maximum width and height in pixels."""
MAX_PIXELS = 8192 * 4096
"""Maximum area in pixels: a picture of a few hundred kilobytes can decode to gigabytes."""
LARGE_PIXELS = 4096 * 4096
"""Area in pixels above which only one picture at a time is decoded, because of its memory."""
MAX_SCANS = 200
"""Maximum scans of a progressive JPEG: each is a pass over the whole picture, but may have 34 bytes."""
MAX_SCANNED_PIXELS = 2_000_000_000
"""Maximum scans times pixels: decoding all scans of a JPEG cannot be interrupted."""
MAX_DECODE_SECONDS = 20.0
"""Longest time for decoding a caller's picture."""
RETRY_DELAY = 1.0
"""Seconds after which a download may be repeated that was damaged on its way."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_large_picture = threading.Lock()
_POLL_SECONDS = 0.1
_SEQUENCE = b"avis"
_START_OF_SCAN = b"\xff\xda"
_SIGNATURES = {
    ImageFormat.IMAGE_FORMAT_PNG: re.compile(rb"\x89PNG\r\n\x1a\n"),
    ImageFormat.IMAGE_FORMAT_JPEG: re.compile(rb"\xff\xd8\xff"),
    ImageFormat.IMAGE_FORMAT_WEBP: re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    ImageFormat.IMAGE_FORMAT_AVIF: re.compile(rb".{4}ftyp(?=.{0,64}avi[fs])", re.DOTALL),
    ImageFormat.IMAGE_FORMAT_GIF: re.compile(rb"GIF8[79]a"),
}


class BadPicture(GenerationError):
    """The bytes are not a picture, or not one that is safe to decode."""


@dataclass(frozen=True, slots=True)
class Description:
    """Format, and size in pixels of the upright picture, according to the header."""

    format: ImageFormat
    width: int
    height: int


def configure() -> None:
    """Let libvips keep no decoded pictures, and the allocator no memory of them. Idempotent."""
    pyvips.cache_set_max(0)
    # The threads that decode pictures leave gigabytes of free memory behind, unless glibc is told not to keep it.
    with suppress(OSError, AttributeError):  # on systems without glibc
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
        allocator.mallopt(_M_TRIM_THRESHOLD, 4 * 1024 * 1024)


def describe(data: bytes) -> Description:
    """Read the header of a picture without decoding it.

    Raises BadPicture for other formats, and for pictures larger than MAX_SIDE or MAX_PIXELS. Takes time.
    """
    return inspect(data)[0]


def inspect(data: bytes) -> tuple[Description, pyvips.Image]:
    """Return the description of a picture, and the header with its metadata and declared profile.

    The header's size is that before it is turned upright. Raises BadPicture, like `describe`. Takes time.
    """
    format_ = next((format_ for format_, signature in _SIGNATURES.items() if signature.match(data)), None)
    if format_ is None:
        raise BadPicture("not a PNG, JPEG, WebP, AVIF or GIF picture", retry_delay=RETRY_DELAY)
    if exif.is_excessive(header_of(data, format_)):
        raise BadPicture("the EXIF metadata of the picture is malformed")
    try:
        header = _load(data, format_)
    except pyvips.Error as error:
        is_sequence = format_ == ImageFormat.IMAGE_FORMAT_AVIF and data.startswith(_SEQUENCE, 8)
        problem = "AVIF sequences are not supported" if is_sequence else "the header of the picture is damaged"
        raise BadPicture(problem, retry_delay=None if is_sequence else RETRY_DELAY) from error
    width, height = orientation.upright_size(header)
    max_pixels = max_pixels_of(format_)
    if max(width, height) > MAX_SIDE or width * height > max_pixels:
        raise BadPicture(
            f"the picture has {width} x {height} pixels, limits are {MAX_SIDE} per side and {max_pixels} in total"
        )
    # Within the data of a scan, no marker occurs: it stuffs 0xFF.
    scans = data.count(_START_OF_SCAN) if format_ == ImageFormat.IMAGE_FORMAT_JPEG else 1
    if scans > MAX_SCANS or scans * width * height > MAX_SCANNED_PIXELS:
        raise BadPicture(f"the picture has {scans} scans, which is too many for its size; the limit is {MAX_SCANS}")
    return Description(format_, width, height), header


def max_pixels_of(format_: ImageFormat) -> int:
    """Return the maximum area of a picture of a format in pixels. The codec of AVIF takes 20 bytes for each."""
    return LARGE_PIXELS if format_ == ImageFormat.IMAGE_FORMAT_AVIF else MAX_PIXELS


def is_large(width: int, height: int) -> bool:
    """Return whether pictures of a size are decoded one at a time."""
    return width * height > LARGE_PIXELS


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height according to the header of a trusted picture. Raises pyvips.Error."""
    return orientation.upright_size(pyvips.Image.new_from_buffer(data, "", access="sequential"))


@contextmanager
def opened(
    data: bytes, described: Description | None = None, *, max_seconds: float = math.inf, shrink: int = 1
) -> Iterator[pyvips.Image]:
    """Open a picture that libvips decodes when its pixels are used, within the block.

    `described` is its description, if it was inspected already. A JPEG can be decoded at half, a quarter or an eighth
    of its size, which is faster: `shrink` is 2, 4 or 8.

    Raises BadPicture if it is refused, damaged, or takes longer than `max_seconds`; Abandoned if nobody waits.
    """
    described = described or describe(data)
    alone = _alone() if is_large(described.width, described.height) else nullcontext()
    with alone, _opened(data, described.format, max_seconds, shrink) as picture:
        yield picture


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other large picture is decoded. Raises Abandoned if nobody waits for this one any more."""
    while not _large_picture.acquire(timeout=_POLL_SECONDS):
        stop_if_abandoned()
    try:
        yield
    finally:
        _large_picture.release()


@contextmanager
def _opened(data: bytes, format_: ImageFormat, max_seconds: float, shrink: int) -> Iterator[pyvips.Image]:
    end = time.monotonic() + max_seconds
    try:
        picture = _load(data, format_, **({"shrink": shrink} if shrink > 1 else {}))
        # A progress signal of libvips would be simpler, but its threads would wait for Python after every few rows.
        with stopping(partial(picture.set_kill, True), max_seconds):
            if format_ == ImageFormat.IMAGE_FORMAT_AVIF and avif.is_premultiplied(data):
                picture = picture.unpremultiply().cast(picture.format)
            yield orientation.upright(color.to_srgb(picture))
    except pyvips.Error as error:
        stop_if_abandoned()
        if time.monotonic() > end:
            raise BadPicture(f"decoding the picture takes more than {max_seconds:g} s") from error
        raise _damaged() from error


def _damaged() -> BadPicture:
    return BadPicture("the picture is damaged", retry_delay=RETRY_DELAY)


def _load(data: bytes, format_: ImageFormat, **options: int) -> pyvips.Image:
    """Open the first frame of a picture, with the profile of its colors. Raises pyvips.Error."""
    picture = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated", **options)
    # A profile in the file comes first, except in PNG, where `declared_profile` considers it.
    has_profile = format_ != ImageFormat.IMAGE_FORMAT_PNG and picture.get_typeof(color.PROFILE)
    profile = None if has_profile else color.declared_profile(data, format_)
    if profile is not None:
        picture.set_type(pyvips.GValue.blob_type, color.PROFILE, profile)
    return picture


def require_complete(data: bytes, described: Description) -> None:
    """Verify that all pixels of a picture can be decoded. Takes time. Raises BadPicture."""
    is_complete = png.is_complete(data) if described.format == ImageFormat.IMAGE_FORMAT_PNG else None
    if is_complete is None:
        with opened(data, described) as picture:
            decode_all(picture)
    elif not is_complete:
        raise _damaged()


def decode_all(picture: pyvips.Image) -> None:
    """Decode an opened picture, which verifies that it is complete. Raises pyvips.Error."""
    # One column is enough: libvips decodes whole rows. To look at all pixels takes half as long again.
    picture.crop(0, 0, 1, picture.height).avg()


async def check(data: bytes) -> Description:
    """Decode a picture to verify that it is complete. Raises BadPicture."""

    def decode() -> Description:
        with opened(data, max_seconds=MAX_DECODE_SECONDS) as picture:
            decode_all(picture)
        return describe(data)

    return await DECODING.run(decode)
