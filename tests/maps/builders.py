"""Small maps, overlays and pictures, and cells as sketches: one line of text per row, `#` for a covered cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyvips
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.map_pb2 import CoordinateUnit, GridKind, MapProperties, Position, Wall, WallKind
from tabletop.image.v1.map_pb2 import Grid as GridMessage
from tabletop.image.v1.overlay_pb2 import CampaignElement, CampaignOverlay, Overlay, TacticalElement, TacticalOverlay
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay
from image_grpc.maps.drawing_context import PortraitKey
from image_grpc.maps.grid import Cells, Grid
from image_grpc.pictures import Portrait

CELL = 10
SQUARE, HEX_ROWS, HEX_COLUMNS = (GridKind.GRID_KIND_SQUARE, GridKind.GRID_KIND_HEX_ROWS, GridKind.GRID_KIND_HEX_COLUMNS)
KINDS = [SQUARE, HEX_ROWS, HEX_COLUMNS]
WALL, CLOSED_DOOR, OPEN_DOOR, WINDOW = (
    WallKind.WALL_KIND_WALL,
    WallKind.WALL_KIND_CLOSED_DOOR,
    WallKind.WALL_KIND_OPEN_DOOR,
    WallKind.WALL_KIND_WINDOW,
)

Pairs = set[tuple[int, int]]


def squares(columns: int, rows: int) -> Grid:
    """Return a grid of squares of CELL pixels."""
    return Grid(SQUARE, CELL, columns * CELL, rows * CELL)


def pairs(cells: Cells) -> Pairs:
    """Return cells as a set."""
    return {(int(column), int(row)) for column, row in cells}


def sketch(cells: Cells, grid: Grid) -> list[str]:
    """Return one line per row of a square grid, with `#` for each of the cells."""
    covered = pairs(cells)
    columns, rows = grid.squares
    assert all(column in columns and row in rows for column, row in covered), "only cells of the map"
    return ["".join(".#"[(column, row) in covered] for column in columns) for row in rows]


def in_cells(x: float, y: float) -> Position:
    """Return a position in cells."""
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)


def in_pixels(x: float, y: float) -> Position:
    """Return a position in pixels."""
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_PIXELS)


def wall(x1: float, y1: float, x2: float, y2: float, kind: WallKind = WALL) -> Wall:
    """Return a wall between two points in cells."""
    return Wall(start=in_cells(x1, y1), end=in_cells(x2, y2), kind=kind)


def box(x1: float, y1: float, x2: float, y2: float) -> list[Wall]:
    """Return the four walls of a box in cells."""
    return [wall(x1, y1, x2, y1), wall(x2, y1, x2, y2), wall(x2, y2, x1, y2), wall(x1, y2, x1, y1)]


def a_map(width: int = 200, height: int = 160, **properties: Any) -> Image:
    """Return a map of this size in pixels."""
    content = ImageContent(size=Size(width=width, height=height), sha256="map")
    return Image(id="map", content=content, map=MapProperties(**properties))


def a_tactical_map(kind: GridKind = SQUARE, *, enabled: bool = False, **properties: Any) -> Image:
    """Return a map of 200 x 160 pixels with cells of 20 pixels, which are 10 x 8 squares."""
    return a_map(grid=GridMessage(size=20, kind=kind, enabled=enabled), **properties)


def tactical(*elements: TacticalElement, **more: Any) -> Overlay:
    """Return a visible overlay."""
    return Overlay(visible=True, tactical=TacticalOverlay(elements=elements), **more)


def campaign(*elements: CampaignElement, **more: Any) -> Overlay:
    """Return a visible overlay."""
    return Overlay(visible=True, campaign=CampaignOverlay(elements=elements), **more)


def a_portrait(id_: str, *color: int) -> dict[PortraitKey, Portrait]:
    """Return a portrait of one color, as tokens of an image show it."""
    return {(id_, None): Portrait(a_picture(64, 64, ".jpg", (*color,) or (90, 110, 70)), "image/jpeg")}


def map_svg(image: Image, *overlays: Overlay, portraits: Mapping[PortraitKey, Portrait] | None = None) -> str:
    """Return everything that is drawn over a map as SVG."""
    return draw_map(image, overlays, Coverage(), portraits or {}).svg()


def overlay_svg(image: Image, overlay: Overlay, portraits: Mapping[PortraitKey, Portrait] | None = None) -> str:
    """Return a single overlay as SVG."""
    return draw_overlay(image, overlay, Coverage(), portraits or {}).svg()


def texts(svg: str) -> list[str]:
    """Return the contents of all text elements."""
    return [each.text or "" for each in ElementTree.fromstring(svg).iter() if _tag(each) == "text"]


def tags(svg: str) -> list[str]:
    """Return the tag of each element."""
    return [_tag(each) for each in ElementTree.fromstring(svg).iter()]


def shapes(svg: str, tag: str = "path") -> list[dict[str, str]]:
    """Return the attributes of each element with this tag, without labels and legend."""
    return [dict(each.attrib) for each in ElementTree.fromstring(svg)[0].iter() if _tag(each) == tag]


def rectangles(svg: str) -> list[dict[str, str]]:
    """Return the attributes of each rectangle, which are bars, badges and panels."""
    return [dict(each.attrib) for each in ElementTree.fromstring(svg).iter() if _tag(each) == "rect"]


def pixels(svg: str) -> np.ndarray:
    """Render SVG. The result has the shape (height, width, 4)."""
    rendered: np.ndarray = pyvips.Image.svgload_buffer(svg.encode()).numpy()
    return rendered


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """Return the number of pixels in which two drawings of one size differ."""
    return int(np.any(one != other, axis=-1).sum())


def a_picture(
    width: int = 200, height: int = 160, suffix: str = ".png", color: Iterable[int] = (90, 120, 60), **options: Any
) -> bytes:
    """Return an encoded picture of one color."""
    plain = pyvips.Image.black(width, height, bands=len(tuple(color))).linear(1, list(color)).cast("uchar")
    data: bytes = plain.copy(interpretation="srgb").write_to_buffer(suffix, **options)
    return data


PNG, JPEG, WEBP, AVIF = (
    ImageFormat.IMAGE_FORMAT_PNG,
    ImageFormat.IMAGE_FORMAT_JPEG,
    ImageFormat.IMAGE_FORMAT_WEBP,
    ImageFormat.IMAGE_FORMAT_AVIF,
)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
