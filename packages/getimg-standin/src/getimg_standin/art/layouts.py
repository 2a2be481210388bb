"""Finds the seed of a reference picture, even if it was reencoded."""

from __future__ import annotations

import hashlib
import re
from collections import deque

import numpy as np
import numpy.typing as npt
import pyvips

from getimg_standin.art.encoding import SEED_FIELD, SEED_TEXT

Thumbnail = npt.NDArray[np.int16]
_SEED = re.compile(re.escape(SEED_TEXT) + "([0-9a-f]{1,16})")
_LARGEST_SIDE = 16_384
_THUMBNAIL_SIDE = 16
_MAX_DIFFERENCE = 6.0
"""Mean difference of channels, 0 to 255, up to which two thumbnails show the same picture."""
_MAX_PICTURES = 2_000


class Layouts:
    """The seeds of recent pictures, so that a picture made from a reference keeps its layout.

    The methods take milliseconds, so they must not run on an event loop.
    """

    def __init__(self) -> None:
        self._pictures: deque[tuple[Thumbnail, int]] = deque(maxlen=_MAX_PICTURES)

    def remember(self, picture: bytes, seed: int) -> None:
        """Record a picture's thumbnail, as clients may strip the seed from its metadata."""
        if (thumbnail := _thumbnail(picture)) is not None:
            self._pictures.append((thumbnail, seed))

    def seed(self, reference: bytes) -> int:
        """Return the seed in the metadata, else that of a similar recorded picture, else a hash of the bytes."""
        seed = None
        if (header := _header(reference)) is not None:
            seed = _metadata_seed(header) or self._seed_of_similar(reference)
        return seed or int.from_bytes(hashlib.blake2b(reference, digest_size=6).digest())

    def _seed_of_similar(self, reference: bytes) -> int | None:
        thumbnail, pictures = _thumbnail(reference), list(self._pictures)
        if thumbnail is None or not pictures:
            return None
        differences = np.abs(np.stack([other for other, _ in pictures]) - thumbnail).mean(axis=1)
        nearest = int(differences.argmin())
        return pictures[nearest][1] if differences[nearest] <= _MAX_DIFFERENCE else None


def _header(picture: bytes) -> pyvips.Image | None:
    """Open a picture lazily; None if it is not a picture or too large."""
    try:
        header = pyvips.Image.new_from_buffer(picture, "")
    except pyvips.Error:
        return None
    return header if max(header.width, header.height) <= _LARGEST_SIDE else None


def _metadata_seed(header: pyvips.Image) -> int | None:
    match = SEED_FIELD in header.get_fields() and _SEED.search(str(header.get(SEED_FIELD)))
    return int(match[1], 16) if match else None


def _thumbnail(picture: bytes) -> Thumbnail | None:
    """Return the flattened RGB values of a tiny thumbnail; None if the picture is damaged."""
    try:
        small = pyvips.Image.thumbnail_buffer(picture, _THUMBNAIL_SIDE, height=_THUMBNAIL_SIDE, size="force")
        colors = small.colourspace("srgb").extract_band(0, n=3).write_to_memory()
    except pyvips.Error:
        return None
    return np.frombuffer(colors, np.uint8).astype(np.int16)
