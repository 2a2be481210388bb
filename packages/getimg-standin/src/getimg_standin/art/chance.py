"""Random numbers by purpose, so that a change in one part of a picture leaves the others as they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Chance:
    """Independent random generators, each found again by the same seed and purpose."""

    seed: int

    def of(self, purpose: str) -> np.random.Generator:
        """A fresh generator for `purpose`."""
        digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(digest))
