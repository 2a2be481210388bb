"""What elements cover: the same in pixels and in cells, worked out when it is asked for, and remembered."""

from __future__ import annotations

import numpy as np
import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Cell, CoordinateUnit, GridKind, Position, Wall
from tabletop.image.v1.overlay_pb2 import (
    AreaOfEffect,
    AreaShape,
    LineOfSight,
    Range,
    RangeKind,
    TacticalElement,
    TacticalElementProperties,
    Token,
)

from image_grpc.maps.coverage import Coverage, without_cells
from image_grpc.maps.grid import Grid
from tests.maps.builders import KINDS, Pairs, a_tactical_map, in_cells, pairs, tactical, wall

SPELL = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=10)
MOVE = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=10)
BLAST = AreaOfEffect(shape=AreaShape.AREA_SHAPE_SPHERE, size_feet=10)
BOLT = AreaOfEffect(shape=AreaShape.AREA_SHAPE_LINE, size_feet=30, direction_degrees=30)
SIGHT = LineOfSight(range_feet=20)
EACH_KIND = [{"range": SPELL}, {"range": MOVE}, {"effect": BLAST}, {"effect": BOLT}, {"line_of_sight": SIGHT}]


def covered(element: TacticalElement, image: Image, coverage: Coverage | None = None) -> Pairs:
    found = (coverage or Coverage()).of(element, image)
    assert found is not None
    return pairs(found.cells)


def at(x: float, y: float, **what: object) -> TacticalElement:
    return TacticalElement(id="a", position=in_cells(x, y), **what)  # type: ignore[arg-type]


def to_pixels(position: Position, image: Image) -> Position:
    """The same centre of a cell, counted in pixels."""
    cell = np.array([[int(position.x), int(position.y)]])
    x, y = Grid.of(image.map.grid, image.content.size).centre(cell)[0]
    return Position(x=x, y=y, unit=CoordinateUnit.COORDINATE_UNIT_PIXELS)


@pytest.mark.parametrize("what", EACH_KIND, ids=lambda what: next(iter(what)))
@pytest.mark.parametrize("kind", KINDS)
def test_positions_in_pixels_and_in_cells_agree(kind: GridKind, what: dict[str, object]) -> None:
    image = a_tactical_map(kind, walls=[wall(2.5, 1.5, 2.5, 3.5)])
    counted = at(4.5, 3.5, **what)
    measured = TacticalElement(id="a", position=to_pixels(counted.position, image), **what)  # type: ignore[arg-type]
    assert covered(counted, image) == covered(measured, image)
    assert (4, 3) in covered(counted, image)


@pytest.mark.parametrize("kind", KINDS)
def test_walls_in_pixels_and_in_cells_agree(kind: GridKind) -> None:
    # From the centre of one cell to the centre of another.
    counted = a_tactical_map(kind, walls=[wall(3.5, 1.5, 3.5, 5.5)])
    measured = a_tactical_map(kind)
    ends = [to_pixels(each, counted) for each in (counted.map.walls[0].start, counted.map.walls[0].end)]
    measured.map.walls.append(Wall(start=ends[0], end=ends[1]))
    for element in (at(5.5, 3.5, line_of_sight=SIGHT), at(5.5, 3.5, range=MOVE)):
        assert covered(element, counted) == covered(element, measured)
        assert (3, 3) not in covered(element, counted)


def test_a_token_covers_nothing() -> None:
    assert Coverage().of(at(1, 1, token=Token()), a_tactical_map()) is None


def test_walls_of_the_map_and_of_the_element_count_both() -> None:
    image = a_tactical_map(walls=[wall(2, 0, 2, 8)])
    sight = LineOfSight(walls=[wall(5, 0, 5, 8)])
    # Columns 2 to 4 are between the two, on a map of 8 rows.
    assert covered(at(3.5, 3.5, line_of_sight=sight), image) == {(x, y) for x in (2, 3, 4) for y in range(8)}
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=100, walls=[wall(5, 0, 5, 8)])
    assert covered(at(3.5, 3.5, range=move), image) == {(x, y) for x in (2, 3, 4) for y in range(8)}


def test_difficult_terrain_of_the_element_counts() -> None:
    around = [Cell(column=3 + i, row=3 + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=5, difficult_terrain=around)
    assert covered(at(3.5, 3.5, range=move), a_tactical_map()) == {(3, 3)}


def test_another_grid_is_another_coverage() -> None:
    coverage, coarse, fine = Coverage(), a_tactical_map(), a_tactical_map()
    fine.map.grid.size = 10
    element = at(3.5, 3.5, line_of_sight=LineOfSight())
    assert len(covered(element, coarse, coverage)) == 10 * 8
    assert len(covered(element, fine, coverage)) == 20 * 16


def test_what_only_looks_different_is_not_worked_out_again() -> None:
    coverage, image = Coverage(), a_tactical_map()
    plain, named = at(3.5, 3.5, effect=BLAST), at(3.5, 3.5, effect=BLAST)
    named.properties.CopyFrom(TacticalElementProperties(label="Fireball", color="red"))
    assert coverage.of(plain, image) is coverage.of(named, image)


async def test_an_overlay_is_filled_in_without_being_changed() -> None:
    overlay, image = tactical(at(3.5, 3.5, effect=BLAST), at(1, 1, token=Token())), a_tactical_map()
    filled = await Coverage().filled_in(overlay, image)
    cells = {(cell.column, cell.row) for cell in filled.tactical.elements[0].effect.covered_cells}
    assert cells == covered(at(3.5, 3.5, effect=BLAST), image)
    assert not overlay.tactical.elements[0].effect.covered_cells


async def test_cells_are_counted_over_all_elements() -> None:
    # A radius of 2 squares about a centre covers 1 + 3 + 5 + 3 + 1 of them.
    overlay = tactical(at(3.5, 3.5, effect=BLAST), at(4.5, 3.5, effect=BLAST), at(1, 1, token=Token()))
    assert await Coverage().count(overlay, a_tactical_map()) == 26


async def test_what_is_worked_out_is_not_stored() -> None:
    overlay = tactical(*(at(3.5, 3.5, **what) for what in EACH_KIND), at(1, 1, token=Token()))
    filled = await Coverage().filled_in(overlay, a_tactical_map())
    assert filled != overlay
    without_cells(filled.tactical.elements)
    assert filled == overlay
