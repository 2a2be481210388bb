"""State of one drawing of a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tabletop.image.v1.image_pb2 import Image

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.grid import Grid
from image_grpc.maps.legend import Legend


@dataclass(frozen=True, slots=True)
class DrawingContext:
    """Canvas and legend of a drawing, and the map that it shows."""

    canvas: Canvas
    legend: Legend
    image: Image
    grid: Grid
    coverage: Coverage
    portraits: Mapping[str, bytes]
    """Square portraits of tokens by image id, JPEG."""

    @classmethod
    def for_map(cls, image: Image, coverage: Coverage, portraits: Mapping[str, bytes]) -> DrawingContext:
        """Return the context of an empty drawing of a map's size."""
        size = image.content.size
        canvas = Canvas(size.width, size.height)
        return cls(canvas, Legend(), image, Grid.of_map(image), coverage, portraits)
