"""The colors of a picture: which they are in its file, and how they become sRGB with 8 bits per channel."""

import struct

import numpy as np
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures import icc
from image_grpc.pictures.containers import avif, png
from image_grpc.pictures.fields import blob

PROFILE = "icc-profile-data"
"""The metadata field of libvips with an ICC profile."""

_SRGB_GAMMA = 45_455
_CHROMATICITY_TOLERANCE = 0.005


def declared_profile(data: bytes, format_: ImageFormat) -> bytes | None:
    """Return the profile of the colors that a file describes without a profile. None without any, or for sRGB.

    PNG has the chunks cICP, gAMA and cHRM; AVIF has code points.
    """
    if format_ == ImageFormat.IMAGE_FORMAT_PNG:
        return _png_profile(png.color_chunks(data))
    if format_ == ImageFormat.IMAGE_FORMAT_AVIF and (code_points := avif.code_points(data)) is not None:
        return icc.coded_profile(*code_points)
    return None


def _png_profile(chunks: dict[bytes, bytes]) -> bytes | None:
    """Return the profile by the order of precedence of PNG (third edition), section 4.3."""
    if len(code_points := chunks.get(b"cICP", b"")) == 4:
        return icc.coded_profile(code_points[0], code_points[1])
    if b"iCCP" in chunks or b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    (encoded_gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    chromaticities = icc.SRGB
    if len(chunks.get(b"cHRM", b"")) == 32:
        values = [each / 100_000 for each in struct.unpack(">8I", chunks[b"cHRM"])]
        white, red, green, blue = zip(values[::2], values[1::2], strict=True)
        chromaticities = (white, red, green, blue)
    is_near = np.allclose(chromaticities, icc.SRGB, atol=_CHROMATICITY_TOLERANCE)
    if (is_near and abs(encoded_gamma - _SRGB_GAMMA) < 1_000) or not 10_000 <= encoded_gamma <= 1_000_000:
        return None
    try:
        return icc.rgb_profile(icc.SRGB if is_near else chromaticities, icc.gamma(100_000 / encoded_gamma))
    except ValueError:
        return None  # nonsense; viewers ignore it as well


def is_srgb(picture: pyvips.Image) -> bool:
    """Return whether the values of a picture are those of sRGB, or would be if it had 8 bits. Takes time."""
    if picture.interpretation == "cmyk":
        return False
    profile = blob(picture, PROFILE)
    if not profile:
        return True
    values = np.linspace(0, 255, 6 if picture.bands >= 3 else 64).round().astype(np.uint8)
    colors = np.stack(np.meshgrid(values, values, values), axis=-1) if picture.bands >= 3 else values[:, None, None]
    probe = pyvips.Image.new_from_array(colors.reshape(1, -1, colors.shape[-1]))
    probe = probe.copy(interpretation="srgb" if picture.bands >= 3 else "b-w")
    probe.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    converted: NDArray[np.int16] = to_srgb(probe).numpy().astype(np.int16)
    return bool(np.abs(converted - colors.reshape(1, -1, colors.shape[-1])).max() <= 1)


def to_srgb(picture: pyvips.Image) -> pyvips.Image:
    """Return a picture in sRGB, with 8 bits per channel, with or without alpha, and without a profile.

    Conversion is relative colorimetric with black point compensation. CMYK without a profile is taken for common
    offset printing. A profile that does not fit the picture, or is damaged, is ignored.
    """
    is_cmyk = picture.interpretation == "cmyk"
    if not is_cmyk and not blob(picture, PROFILE):
        return picture.colourspace("srgb")
    converted = picture.icc_transform(
        "srgb",
        embedded=True,
        input_profile="cmyk" if is_cmyk else "srgb",
        intent="relative",
        black_point_compensation=True,
        depth=8,
    ).copy()
    converted.remove(PROFILE)
    return converted
