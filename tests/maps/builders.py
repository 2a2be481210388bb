"""Small maps, and cells as sketches: a row of text for each row of the map, `#` for a cell that is meant."""

from __future__ import annotations

from collections.abc import Iterable
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
from image_grpc.maps.drawing import draw_map
from image_grpc.maps.grid import Cells, Grid

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
    """A map of so many squares."""
    return Grid(SQUARE, CELL, columns * CELL, rows * CELL)


def pairs(cells: Cells) -> Pairs:
    """Cells as a set."""
    return {(int(column), int(row)) for column, row in cells}


def sketch(cells: Cells, grid: Grid) -> list[str]:
    """The map, with `#` where a cell is among these."""
    found = pairs(cells)
    rows, columns = round(grid.height / grid.cell), round(grid.width / grid.cell)
    assert all(0 <= column < columns and 0 <= row < rows for column, row in found), "only cells of the map"
    return ["".join(".#"[(column, row) in found] for column in range(columns)) for row in range(rows)]


def in_cells(x: float, y: float) -> Position:
    """A position that counts cells."""
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_CELLS)


def in_pixels(x: float, y: float) -> Position:
    """A position that counts pixels."""
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_PIXELS)


def wall(x1: float, y1: float, x2: float, y2: float, kind: WallKind = WALL) -> Wall:
    """A wall between two points that count cells."""
    return Wall(start=in_cells(x1, y1), end=in_cells(x2, y2), kind=kind)


def box(x1: float, y1: float, x2: float, y2: float) -> list[Wall]:
    """Four walls."""
    return [wall(x1, y1, x2, y1), wall(x2, y1, x2, y2), wall(x2, y2, x1, y2), wall(x1, y2, x1, y1)]


def a_map(width: int = 200, height: int = 160, **properties: Any) -> Image:
    """A map of so many pixels."""
    content = ImageContent(size=Size(width=width, height=height), sha256="map")
    return Image(id="map", content=content, map=MapProperties(**properties))


def a_tactical_map(kind: GridKind = SQUARE, *, enabled: bool = False, **properties: Any) -> Image:
    """A map with a grid of cells of 20 pixels: 10 x 8 squares."""
    return a_map(grid=GridMessage(size=20, kind=kind, enabled=enabled), **properties)


def tactical(*elements: TacticalElement, **more: Any) -> Overlay:
    """A visible overlay."""
    return Overlay(visible=True, tactical=TacticalOverlay(elements=elements), **more)


def campaign(*elements: CampaignElement, **more: Any) -> Overlay:
    """A visible overlay."""
    return Overlay(visible=True, campaign=CampaignOverlay(elements=elements), **more)


def drawn(image: Image, *overlays: Overlay, art: dict[str, bytes] | None = None) -> str:
    """The SVG over a map."""
    return draw_map(image, overlays, Coverage(), art or {}).svg()


def texts(svg: str) -> list[str]:
    """What an XML parser says is text."""
    return [each.text or "" for each in ElementTree.fromstring(svg).iter() if _name(each) == "text"]


def tags(svg: str) -> list[str]:
    """Names of the elements of a document."""
    return [_name(each) for each in ElementTree.fromstring(svg).iter()]


def shapes(svg: str, tag: str = "path") -> list[dict[str, str]]:
    """The attributes of each element with this name, labels and legend left out."""
    return [dict(each.attrib) for each in ElementTree.fromstring(svg)[0].iter() if _name(each) == tag]


def pixels(svg: str) -> np.ndarray:
    """The drawing, of shape (height, width, 4)."""
    rendered: np.ndarray = pyvips.Image.svgload_buffer(svg.encode()).numpy()
    return rendered


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """How many pixels of two drawings of one size are not the same."""
    return int(np.any(one != other, axis=-1).sum())


def a_picture(
    width: int = 200, height: int = 160, suffix: str = ".png", color: Iterable[int] = (90, 120, 60), **how: Any
) -> bytes:
    """A picture of one colour, encoded."""
    plain = pyvips.Image.black(width, height, bands=len(tuple(color))).linear(1, list(color)).cast("uchar")
    data: bytes = plain.copy(interpretation="srgb").write_to_buffer(suffix, **how)
    return data


PNG, JPEG, WEBP, AVIF = (
    ImageFormat.IMAGE_FORMAT_PNG,
    ImageFormat.IMAGE_FORMAT_JPEG,
    ImageFormat.IMAGE_FORMAT_WEBP,
    ImageFormat.IMAGE_FORMAT_AVIF,
)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
