"""State of one drawing of a map."""

from collections.abc import Mapping

import shapely
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import CampaignElement, TacticalElement, Token

from image_grpc.maps.audience import Fog
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.color import Color, parse
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.grid import Grid
from image_grpc.maps.labels import Cost, Side
from image_grpc.maps.panels import Legend
from image_grpc.maps.svg import outline_path
from image_grpc.pictures import Portrait
from image_grpc.pictures.drawings import Box

PortraitKey = tuple[str, tuple[float, float] | None]
"""Image id and focus point (shares of width and height), or None for the default crop."""


def portrait_key(token: Token) -> PortraitKey:
    """Return which portrait a token shows."""
    return token.image_id, (token.focus.x, token.focus.y) if token.HasField("focus") else None


def opacity_of(element: TacticalElement, default: float) -> float:
    """Return the opacity of an element, 0 to 1."""
    return element.properties.opacity if element.properties.HasField("opacity") else default


class DrawingContext:
    """Canvas and legend of a drawing, and the map that it shows."""

    def __init__(
        self, image: Image, coverage: Coverage, portraits: Mapping[PortraitKey, Portrait], fog: Fog | None = None
    ) -> None:
        """`portraits` has the pictures of tokens by `portrait_key`."""
        self.image, self.coverage, self.portraits, self.fog = image, coverage, portraits, fog
        self.canvas = Canvas(image.content.size.width, image.content.size.height)
        self.grid, self.legend = Grid.of_map(image), Legend()
        if fog is not None:
            self.canvas.cover(outline_path(fog.seen), outline_path(fog.explored))

    def color(self, element: TacticalElement | CampaignElement, meaning: str, default: Color) -> Color:
        """Return the color of an element, and add it to the legend."""
        color = parse(element.properties.color) if element.properties.color else default
        self.legend.add(meaning, color)
        return color

    def seen(self, shape: BaseGeometry) -> BaseGeometry:
        """Return what is drawn of a shape: all, or with fog, what is seen. Its edges in the fog are covered."""
        return shape if self.fog is None else self.fog.limited(shape, self.grid.cell_size / 4)

    def name_place(self, text: str, x: float, y: float, box: Box, side: Side, *, size: float | None = None) -> None:
        """Write the name of a place at a point, unless fog covers it: moved aside, the name could be read."""
        if self.fog is None or shapely.intersects_xy(self.fog.seen, x, y):
            self.canvas.occupy(box, Cost.ELEMENT)
            self.canvas.name(text, box, side, size=size)

    def place_names(self) -> None:
        """Draw all names, best where the audience sees them."""
        self.canvas.place_names(None if self.fog is None else self.fog.seen)
