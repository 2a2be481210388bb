"""What a drawing is made on and from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tabletop.image.v1.image_pb2 import Image

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.frame import Legend
from image_grpc.maps.grid import Grid


@dataclass(frozen=True, slots=True)
class Sheet:
    """One drawing of a map."""

    canvas: Canvas
    legend: Legend
    image: Image
    grid: Grid
    coverage: Coverage
    art: Mapping[str, bytes]
    """The square portraits of tokens by image id, JPEG."""

    @classmethod
    def of(cls, image: Image, coverage: Coverage, art: Mapping[str, bytes]) -> Sheet:
        """An empty drawing of a map's size."""
        size = image.content.size
        canvas = Canvas(size.width, size.height)
        return cls(canvas, Legend(), image, Grid.of(image.map.grid, size), coverage, art)
