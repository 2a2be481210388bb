"""Random numbers by purpose, so that a change to one part of a picture does not affect the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Chance:
    """Independent random generators, determined by seed and purpose."""

    seed: int

    def of(self, purpose: str) -> np.random.Generator:
        """Return a new generator for `purpose`."""
        digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(digest))
