"""Encodes layers as files with the seed in their metadata."""

from __future__ import annotations

import numpy as np
import pyvips

from getimg_standin.art.pixels import Color

SEED_FIELD = "exif-ifd0-ImageDescription"
SEED_TEXT = "image-grpc stand-in, seed "
"""Prefix of the seed, which follows in hexadecimal."""


def encode(layer: Color, image_format: str, seed: int) -> bytes:
    """Encode a layer as a png, jpeg or webp file with `seed` in its metadata."""
    clipped = np.clip(layer, 0, 1)
    clipped *= 255
    pixels = np.ascontiguousarray(clipped.astype(np.uint8).transpose(1, 2, 0))
    height, width, _ = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.data, width, height, 3, "uchar").copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gstr_type, SEED_FIELD, f"{SEED_TEXT}{seed:x}")
    match image_format:
        case "png":
            data = image.pngsave_buffer(compression=2, filter="up")
        case "jpeg":
            data = image.jpegsave_buffer(Q=90, optimize_coding=True)
        case "webp":
            data = image.webpsave_buffer(Q=85, effort=1)
        case _:
            raise ValueError(f"unknown picture format {image_format!r}")
    return bytes(data)
