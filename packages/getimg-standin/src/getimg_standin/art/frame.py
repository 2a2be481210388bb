"""The size of a picture in pixels and in the units of scenes."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of `width` x `height` pixels.

    Scenes use units: every picture has an area of 1024 x 1024 units at any resolution, so that a layout is
    the same at 1K and at 2K.
    """

    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels per unit."""
        return sqrt(self.width * self.height) / 1024

    @property
    def across(self) -> float:
        """Width in units."""
        return self.width / self.scale

    @property
    def down(self) -> float:
        """Height in units."""
        return self.height / self.scale

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a layer's array."""
        return self.height, self.width

    def reduced(self, factor: int) -> Frame:
        """Return the same frame with fewer pixels, for smooth layers."""
        return Frame(max(8, self.width // factor), max(8, self.height // factor))
