"""Coverage of elements: equal for positions in pixels and in cells, computed on demand, and cached."""

from __future__ import annotations

from typing import Any

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

from image_grpc.maps import coverage as coverage_module
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.grid import Grid
from tests.maps.builders import KINDS, Pairs, a_map, a_tactical_map, campaign, in_cells, pairs, sketch, tactical, wall

SPELL = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=10)
MOVE = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=10)
BLAST = AreaOfEffect(shape=AreaShape.AREA_SHAPE_SPHERE, size_feet=10)
BOLT = AreaOfEffect(shape=AreaShape.AREA_SHAPE_LINE, size_feet=30, direction_degrees=30)
SIGHT = LineOfSight(range_feet=20)
EACH_KIND = [{"range": SPELL}, {"range": MOVE}, {"effect": BLAST}, {"effect": BOLT}, {"line_of_sight": SIGHT}]


def covered(element: TacticalElement, image: Image, coverage: Coverage | None = None) -> Pairs:
    covered_cells = (coverage or Coverage()).of(element, image)
    assert covered_cells is not None
    return pairs(covered_cells.cells)


def at(x: float, y: float, **kind: object) -> TacticalElement:
    return TacticalElement(id="a", position=in_cells(x, y), **kind)  # type: ignore[arg-type]


def to_pixels(position: Position, image: Image) -> Position:
    """Return the position of the center of a cell in pixels."""
    cell = np.array([[int(position.x), int(position.y)]])
    x, y = Grid.of_map(image).center(cell)[0]
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
    # From the center of one cell to the center of another.
    counted = a_tactical_map(kind, walls=[wall(3.5, 1.5, 3.5, 5.5)])
    measured = a_tactical_map(kind)
    ends = [to_pixels(each, counted) for each in (counted.map.walls[0].start, counted.map.walls[0].end)]
    measured.map.walls.append(Wall(start=ends[0], end=ends[1]))
    for element in (at(5.5, 3.5, line_of_sight=SIGHT), at(5.5, 3.5, range=MOVE)):
        assert covered(element, counted) == covered(element, measured)
        assert (3, 3) not in covered(element, counted)


def test_a_token_covers_nothing() -> None:
    assert Coverage().of(at(1, 1, token=Token()), a_tactical_map()) is None


def test_walls_of_the_map_and_of_the_element_both_block() -> None:
    image = a_tactical_map(walls=[wall(2, 0, 2, 8)])
    sight = LineOfSight(walls=[wall(5, 0, 5, 8)])
    # Columns 2 to 4 are between the walls, on a map of 8 rows.
    assert covered(at(3.5, 3.5, line_of_sight=sight), image) == {(x, y) for x in (2, 3, 4) for y in range(8)}
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=100, walls=[wall(5, 0, 5, 8)])
    assert covered(at(3.5, 3.5, range=move), image) == {(x, y) for x in (2, 3, 4) for y in range(8)}


def test_difficult_terrain_of_the_element_slows_its_move() -> None:
    around = [Cell(column=3 + i, row=3 + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=5, difficult_terrain=around)
    assert covered(at(3.5, 3.5, range=move), a_tactical_map()) == {(3, 3)}


def test_coverage_depends_on_the_grid() -> None:
    coverage, coarse, fine = Coverage(), a_tactical_map(), a_tactical_map()
    fine.map.grid.size = 10
    element = at(3.5, 3.5, line_of_sight=LineOfSight())
    assert len(covered(element, coarse, coverage)) == 10 * 8
    assert len(covered(element, fine, coverage)) == 20 * 16


def test_coverage_is_cached_regardless_of_appearance() -> None:
    coverage, image = Coverage(), a_tactical_map()
    plain, named = at(3.5, 3.5, effect=BLAST), at(3.5, 3.5, effect=BLAST)
    named.properties.CopyFrom(TacticalElementProperties(label="Fireball", color="red"))
    assert coverage.of(plain, image) is coverage.of(named, image)


async def test_a_response_has_the_coverage_of_each_element_that_is_not_a_token() -> None:
    blast, sight = at(3.5, 3.5, effect=BLAST), at(5.5, 3.5, line_of_sight=SIGHT)
    move, far = at(1.5, 1.5, range=MOVE), at(500, 3.5, range=SPELL)
    for index, element in enumerate((blast, sight, move, far)):
        element.id = f"element {index}"
    overlay, image = tactical(blast, at(1, 1, token=Token()), sight, move, far), a_tactical_map()
    response = await Coverage().with_coverage(overlay, image)
    assert [entry.element_id for entry in response.tactical.coverage] == [blast.id, sight.id, move.id, far.id]
    cells = [{(cell.column, cell.row) for cell in entry.cells} for entry in response.tactical.coverage]
    assert cells == [covered(blast, image), covered(sight, image), covered(move, image), set()]
    assert response.tactical.elements == overlay.tactical.elements
    assert not overlay.tactical.coverage, "the argument is unchanged"


async def test_a_campaign_overlay_has_no_coverage() -> None:
    overlay = campaign()
    assert await Coverage().with_coverage(overlay, a_map()) == overlay


async def test_cells_are_counted_over_all_elements() -> None:
    # A radius of 2 squares around a center covers 1 + 3 + 5 + 3 + 1 of them.
    overlay = tactical(at(3.5, 3.5, effect=BLAST), at(4.5, 3.5, effect=BLAST), at(1, 1, token=Token()))
    assert await Coverage().count_cells(overlay, a_tactical_map()) == 26


def test_a_spell_reaches_centers_in_a_straight_line_over_walls() -> None:
    # 15 ft are 3 squares: (3, 0) is on the edge and included; (2, 2) is sqrt(8) away, (3, 1) is sqrt(10).
    expected = """
    ....#.....
    ..#####...
    ..#####...
    .#######..
    ..#####...
    ..#####...
    ....#.....
    ..........
    """
    image = a_tactical_map(walls=[wall(2, 2, 7, 2)])
    spell = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=15)
    spell_range = Coverage().of(at(4.5, 3.5, range=spell), image)
    assert spell_range is not None
    assert sketch(spell_range.cells, Grid.of_map(image)) == expected.split()


def test_the_outline_is_drawn_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    outlines = Grid.outlines

    def counted(grid: Grid, cells: Any) -> Any:
        drawn.append(len(cells))
        return outlines(grid, cells)

    monkeypatch.setattr(Grid, "outlines", counted)
    covered_cells = Coverage().of(at(4, 4, range=SPELL), a_tactical_map())
    assert covered_cells is not None
    assert drawn == []
    assert covered_cells.path == covered_cells.path != ""
    assert drawn == [len(covered_cells.cells)]


async def test_counting_stops_at_the_first_element_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_module, "MAX_CELLS", 20)
    coverage, seen = Coverage(), list[str]()
    of = coverage.of

    def recorded(element: TacticalElement, image: Image) -> Any:
        seen.append(element.id)
        return of(element, image)

    monkeypatch.setattr(coverage, "of", recorded)
    overlay = tactical(*(TacticalElement(id=str(number), position=in_cells(4, 4), range=SPELL) for number in range(9)))
    each = len(covered(at(4, 4, range=SPELL), a_tactical_map()))
    assert await coverage.count_cells(overlay, a_tactical_map()) > 20
    assert len(seen) == 20 // each + 1
