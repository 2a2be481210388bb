"""Drawing of tactical maps: grids, tokens, areas."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Grid, GridKind
from tabletop.image.v1.overlay_pb2 import (
    AreaOfEffect,
    AreaShape,
    CreatureSize,
    Range,
    RangeKind,
    TacticalElement,
    Token,
)

from image_grpc.maps.drawing_context import PortraitKey
from image_grpc.pictures import Portrait
from tests.maps.builders import (
    HEX_COLUMNS,
    HEX_ROWS,
    KINDS,
    a_map,
    a_portrait,
    a_tactical_map,
    differing,
    in_cells,
    in_pixels,
    map_svg,
    overlay_svg,
    pixels,
    shapes,
    tactical,
    tags,
    texts,
)
from tests.maps.elements import HERO, a_token


@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_is_drawn_only_where_it_is_enabled(kind: GridKind) -> None:
    hidden, shown = map_svg(a_tactical_map(kind)), map_svg(a_tactical_map(kind, enabled=True))
    assert shapes(hidden) == []
    assert len(shapes(shown)) == 1
    assert differing(pixels(hidden), pixels(shown)) > 1000


def test_lines_of_a_square_grid_are_at_the_borders_of_cells() -> None:
    # Cells of 20 pixels; a line of 1 pixel about a whole number paints the pixels on both sides of it.
    alpha = pixels(map_svg(a_map(grid=Grid(enabled=True, size=20, color="#000"), width=400, height=300)))[:, :, 3]
    on_line = {pixel for line in range(21) for pixel in (20 * line - 1, 20 * line)}
    assert {x for x in range(400) if alpha[10, x]} == on_line & set(range(400))
    assert {y for y in range(300) if alpha[y, 10]} == on_line & set(range(300))


def test_the_lines_of_a_grid_begin_at_its_offset() -> None:
    grid = Grid(enabled=True, size=20, color="#000", offset={"x": 10, "y": -5})
    alpha = pixels(map_svg(a_map(grid=grid, width=400, height=300)))[:, :, 3]
    across = {pixel for line in range(20) for pixel in (20 * line + 9, 20 * line + 10)}
    down = {pixel for line in range(1, 16) for pixel in (20 * line - 6, 20 * line - 5)}
    assert {x for x in range(400) if alpha[5, x]} == across
    assert {y for y in range(300) if alpha[y, 5]} == down


def test_a_grid_has_its_color() -> None:
    (lines,) = shapes(map_svg(a_map(grid=Grid(enabled=True, size=20, color="#ff000080"))))
    assert lines["stroke"] == "#ff0000"
    assert float(lines["stroke-opacity"]) == pytest.approx(0.5, abs=0.01)


def test_a_grid_is_translucent_black_by_default() -> None:
    (lines,) = shapes(map_svg(a_tactical_map(enabled=True)))
    assert (lines["stroke"], lines["stroke-opacity"]) == ("#000000", "0.5")


@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
def test_hexagons_are_closed_up_to_the_edge_of_the_map(kind: GridKind) -> None:
    # A flood fill that starts inside of a cell stays in that cell.
    image = a_tactical_map(kind, enabled=True)
    image.map.grid.color = "#000000"
    open_ = pixels(map_svg(image))[:, :, 3] == 0
    visited = np.zeros_like(open_)
    border = [(10, 100)] if kind == HEX_ROWS else [(10, 80)]
    largest = 0
    for y, x in [(y, x) for y in range(2, 158, 7) for x in range(2, 198, 7)] + border:
        flooded, queue = 0, [(y, x)]
        while queue:
            y, x = queue.pop()  # noqa: PLW2901
            if 0 <= y < 160 and 0 <= x < 200 and open_[y, x] and not visited[y, x]:
                visited[y, x] = True
                flooded += 1
                queue += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        largest = max(largest, flooded)
    assert largest <= 20 * 20 * math.sqrt(3) / 2, "the area of one hexagon"


@settings(deadline=None, max_examples=30)
@given(st.floats(-100_000, 100_000), st.floats(-100_000, 100_000), st.floats(0.01, 5000))
def test_tactical_elements_at_any_position_have_finite_coordinates(x: float, y: float, feet: float) -> None:
    spell = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=feet)
    cone = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CONE, size_feet=feet, direction_degrees=33)
    position = in_pixels(x, y)
    svg = map_svg(
        a_tactical_map(),
        tactical(
            TacticalElement(id="a", position=position, range=spell),
            TacticalElement(id="b", position=position, effect=cone),
            TacticalElement(id="c", position=position, token=Token()),
        ),
    )
    assert not re.search(r"nan|inf|e[+-]?\d", re.sub("<[/a-zA-Z]+|[a-z-]+=|#[0-9a-f]{6}", "", svg), re.IGNORECASE)
    assert pixels(svg).shape == (160, 200, 4)


def test_a_token_shows_its_portrait() -> None:
    red = a_portrait(HERO, 250, 10, 10)
    svg = map_svg(a_tactical_map(), tactical(a_token(image_id=HERO, color="#00ff00")), portraits=red)
    assert shapes(svg, "image")[0]["href"].startswith("data:image/jpeg;base64,")
    # Its center is at (5, 4) cells of 20 pixels.
    r, g, b, a = pixels(svg)[80, 100]
    assert (r > 200, g < 50, b < 50, a) == (True, True, True, 255)


def test_a_token_without_portrait_has_its_color_and_initials() -> None:
    svg = map_svg(a_tactical_map(), tactical(a_token(image_id=HERO, label="Ørnulf the Red")))
    assert "image" not in tags(svg)
    assert {"ØT", "Ørnulf the Red"} <= set(texts(svg))


def test_a_portrait_is_clipped_to_a_circle() -> None:
    red = a_portrait(HERO, 250, 10, 10)
    token = a_token(image_id=HERO, size=CreatureSize.CREATURE_SIZE_LARGE)
    # A large creature is 40 pixels wide. Points 18 pixels off on both axes are 25 pixels from the center.
    alpha = pixels(overlay_svg(a_tactical_map(), tactical(token), red))[:, :, 3]
    assert not alpha[[62, 62, 98, 98], [82, 118, 82, 118]].any()


@pytest.mark.parametrize(
    ("size", "width"),
    [
        (CreatureSize.CREATURE_SIZE_TINY, 10),
        (CreatureSize.CREATURE_SIZE_UNSPECIFIED, 20),
        (CreatureSize.CREATURE_SIZE_SMALL, 20),
        (CreatureSize.CREATURE_SIZE_MEDIUM, 20),
        (CreatureSize.CREATURE_SIZE_LARGE, 40),
        (CreatureSize.CREATURE_SIZE_HUGE, 60),
        (CreatureSize.CREATURE_SIZE_GARGANTUAN, 80),
    ],
)
def test_a_token_fits_into_the_space_of_its_creature(size: CreatureSize, width: int) -> None:
    alpha = pixels(overlay_svg(a_tactical_map(), tactical(a_token(size=size))))[:, :, 3]
    columns = np.nonzero(alpha.any(axis=0))[0]
    assert width * 0.85 <= np.ptp(columns) + 1 <= width


@pytest.mark.parametrize("radius", [0.5, 1, 2, 30])
@pytest.mark.parametrize("portraits", [{}, a_portrait(HERO)], ids=["plain", "portrait"])
def test_a_token_has_the_requested_radius(radius: float, portraits: dict[PortraitKey, Portrait]) -> None:
    svg = overlay_svg(a_tactical_map(), tactical(a_token(image_id=HERO, radius=radius)), portraits)
    assert all(float(each["r"]) > 0 for each in shapes(svg, "circle"))
    columns = np.nonzero(pixels(svg)[:, :, 3].any(axis=0))[0]
    assert np.ptp(columns) + 1 == pytest.approx(2 * radius, abs=1)


def test_the_covered_cells_of_an_area_are_filled() -> None:
    # A cube of 10 ft that points right from (2, 4) covers the squares from (2, 3) to (4, 5), which are
    # the pixels (40, 60) to (80, 100).
    cube = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CUBE, size_feet=10)
    element = TacticalElement(id="a", position=in_cells(2, 4), effect=cube)
    alpha = pixels(overlay_svg(a_tactical_map(), tactical(element)))[:, :, 3]
    assert alpha[63:97, 43:77].all()
    alpha[57:103, 37:83] = 0
    assert not alpha.any()
