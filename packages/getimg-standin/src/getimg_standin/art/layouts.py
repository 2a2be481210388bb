"""Finds what a reference picture was drawn from, also when it was coded anew since."""

from __future__ import annotations

import hashlib
import re
from collections import deque

import numpy as np
import numpy.typing as npt
import pyvips

from getimg_standin.art.encoding import SEED_FIELD, SEED_TEXT

Glance = npt.NDArray[np.int16]
_SEED = re.compile(re.escape(SEED_TEXT) + "([0-9a-f]{1,16})")
_LARGEST_SIDE = 16_384
_GLANCE_SIDE = 16
_ALIKE = 6.0
"""Mean difference of channels, 0 to 255, up to which two glances are at one picture, coded or cropped anew."""
_REMEMBERED = 2_000


class Layouts:
    """Finds the seed that a picture made from a reference is laid out by, so that another theme shows the same
    place. Each method takes longer than the event loop can wait."""

    def __init__(self) -> None:
        self._seen: deque[tuple[Glance, int]] = deque(maxlen=_REMEMBERED)

    def remember(self, drawn: bytes, seed: int) -> None:
        """Whoever stores the picture may drop what it carries."""
        if (glance := _glance(drawn)) is not None:
            self._seen.append((glance, seed))

    def seed(self, reference: bytes) -> int:
        """The seed that the reference carries, or that of the remembered picture that it looks like; for any
        other file one that comes from its bytes."""
        found = None
        if (header := _header(reference)) is not None:
            found = _carried_seed(header) or self._seed_of_the_like(reference)
        return found or int.from_bytes(hashlib.blake2b(reference, digest_size=6).digest())

    def _seed_of_the_like(self, reference: bytes) -> int | None:
        glance, seen = _glance(reference), list(self._seen)
        if glance is None or not seen:
            return None
        differences = np.abs(np.stack([each for each, _ in seen]) - glance).mean(axis=1)
        nearest = int(differences.argmin())
        return seen[nearest][1] if differences[nearest] <= _ALIKE else None


def _header(picture: bytes) -> pyvips.Image | None:
    """What a file says of itself; None if it is no picture, or too large to be looked at."""
    try:
        header = pyvips.Image.new_from_buffer(picture, "")
    except pyvips.Error:
        return None
    return header if max(header.width, header.height) <= _LARGEST_SIDE else None


def _carried_seed(header: pyvips.Image) -> int | None:
    found = SEED_FIELD in header.get_fields() and _SEED.search(str(header.get(SEED_FIELD)))
    return int(found[1], 16) if found else None


def _glance(picture: bytes) -> Glance | None:
    """Its colours, very small; None if it is damaged."""
    try:
        small = pyvips.Image.thumbnail_buffer(picture, _GLANCE_SIDE, height=_GLANCE_SIDE, size="force")
        colours = small.colourspace("srgb").extract_band(0, n=3).write_to_memory()
    except pyvips.Error:
        return None
    return np.frombuffer(colours, np.uint8).astype(np.int16)
