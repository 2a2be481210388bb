"""From layers to files, and the seed that files carry."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyvips

from image_grpc.standin.art.pixels import Colour

_SEED_FIELD = "exif-ifd0-ImageDescription"
_SEED_TEXT = re.compile(r"image-grpc stand-in, seed ([0-9a-f]{1,16})")
_LARGEST_SIDE = 16_384


def encode(layer: Colour, image_format: str, seed: int) -> bytes:
    """The layer as a png, jpeg or webp file that carries `seed` in its metadata."""
    clipped = np.clip(layer, 0, 1)
    clipped *= 255
    pixels = np.ascontiguousarray(clipped.astype(np.uint8).transpose(1, 2, 0))
    height, width, _ = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.data, width, height, 3, "uchar").copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gstr_type, _SEED_FIELD, f"image-grpc stand-in, seed {seed:x}")
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


def layout_seed(reference: bytes) -> int:
    """The seed that a picture made from `reference` is laid out by.

    It is the one that the reference carries if it was drawn here, so that another theme shows the same
    place; for any other file it comes from the bytes.
    """
    return _carried_seed(reference) or int.from_bytes(hashlib.blake2b(reference, digest_size=6).digest())


def _carried_seed(reference: bytes) -> int | None:
    try:
        image = pyvips.Image.new_from_buffer(reference, "")
        if max(image.width, image.height) > _LARGEST_SIDE or image.get_typeof(_SEED_FIELD) == 0:
            return None
        found = _SEED_TEXT.search(str(image.get(_SEED_FIELD)))
    except pyvips.Error:
        return None
    return int(found[1], 16) if found else None
