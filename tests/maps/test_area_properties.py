"""Properties of all areas of effect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.areas import area_of
from tests.maps.areas import (
    ANY_TOUCH,
    CENTER,
    CONE,
    CUBE,
    CYLINDER,
    EMANATION,
    GARGANTUAN,
    HALF_COVERED,
    HUGE,
    LARGE,
    LINE,
    MEDIUM,
    SPHERE,
    TINY,
)
from tests.maps.builders import CELL, Pairs, pairs, squares

SIDE = 16
GRID = squares(SIDE, SIDE)


@dataclass(frozen=True, slots=True)
class PlacedArea:
    """Area on a map of SIDE x SIDE squares, with its origin in squares."""

    shape: AreaShape
    x: float
    y: float
    feet: float
    degrees: float
    width: float
    size: CreatureSize
    origin_included: bool

    def covers(self, inclusion: CellInclusion, *, feet: float = 0) -> Pairs:
        effect = AreaOfEffect(
            shape=self.shape,
            size_feet=feet or self.feet,
            direction_degrees=self.degrees,
            width_feet=self.width,
            origin_size=self.size,
            origin_included=self.origin_included,
        )
        return pairs(area_of(effect, self.x * CELL, self.y * CELL, GRID).cells(GRID, inclusion))

    def turned(self) -> PlacedArea:
        """Return the area after a quarter turn clockwise around the center of the map."""
        return replace(self, x=SIDE - self.y, y=self.x, degrees=(self.degrees + 90) % 360)

    def mirrored(self) -> PlacedArea:
        """Return the area with left and right swapped."""
        return replace(self, x=SIDE - self.x, degrees=(180 - self.degrees) % 360)


halves = st.integers(0, 2 * SIDE).map(lambda count: count / 2)
areas = st.builds(
    PlacedArea,
    st.sampled_from([SPHERE, CYLINDER, CONE, CUBE, LINE, EMANATION]),
    halves,
    halves,
    st.sampled_from([5, 7.5, 10, 15, 20, 30, 40]),
    st.integers(0, 359) | st.sampled_from([0, 45, 90, 180, 270]),
    st.sampled_from([0, 5, 10]),
    st.sampled_from([TINY, MEDIUM, LARGE, HUGE, GARGANTUAN]),
    st.booleans(),
)
rules = st.sampled_from([CENTER, ANY_TOUCH, HALF_COVERED])


@settings(deadline=None)
@given(areas, rules)
def test_a_quarter_turn_of_the_map_turns_the_covered_cells(area: PlacedArea, rule: CellInclusion) -> None:
    assert area.turned().covers(rule) == {(SIDE - 1 - row, column) for column, row in area.covers(rule)}


@settings(deadline=None)
@given(areas, rules)
def test_a_mirrored_map_mirrors_the_covered_cells(area: PlacedArea, rule: CellInclusion) -> None:
    assert area.mirrored().covers(rule) == {(SIDE - 1 - column, row) for column, row in area.covers(rule)}


@settings(deadline=None)
@given(areas, rules, st.sampled_from([1, 2.5, 5, 20]))
def test_a_larger_area_covers_the_cells_of_a_smaller_one(area: PlacedArea, rule: CellInclusion, more: float) -> None:
    assert area.covers(rule) <= area.covers(rule, feet=area.feet + more)


@settings(deadline=None)
@given(areas)
def test_a_cell_that_is_half_covered_is_touched(area: PlacedArea) -> None:
    assert area.covers(HALF_COVERED) <= area.covers(ANY_TOUCH)


@settings(deadline=None)
@given(areas)
def test_a_cell_whose_center_is_inside_is_touched(area: PlacedArea) -> None:
    assert area.covers(CENTER) <= area.covers(ANY_TOUCH)
