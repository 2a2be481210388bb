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
class Cast:
    """Area on a map of SIDE x SIDE squares, with its origin in squares."""

    shape: AreaShape
    x: float
    y: float
    feet: float
    degrees: float
    width: float
    size: CreatureSize
    whole: bool

    def covers(self, inclusion: CellInclusion, *, feet: float = 0) -> Pairs:
        effect = AreaOfEffect(
            shape=self.shape,
            size_feet=feet or self.feet,
            direction_degrees=self.degrees,
            width_feet=self.width,
            origin_size=self.size,
            origin_included=self.whole,
        )
        return pairs(area_of(effect, self.x * CELL, self.y * CELL, GRID).cells(GRID, inclusion))

    def turned(self) -> Cast:
        """Return the area after a quarter turn clockwise around the center of the map."""
        return replace(self, x=SIDE - self.y, y=self.x, degrees=(self.degrees + 90) % 360)

    def mirrored(self) -> Cast:
        """Return the area with left and right swapped."""
        return replace(self, x=SIDE - self.x, degrees=(180 - self.degrees) % 360)


halves = st.integers(0, 2 * SIDE).map(lambda count: count / 2)
casts = st.builds(
    Cast,
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
@given(casts, rules)
def test_a_quarter_turn_of_the_map_turns_the_covered_cells(cast: Cast, rule: CellInclusion) -> None:
    assert cast.turned().covers(rule) == {(SIDE - 1 - row, column) for column, row in cast.covers(rule)}


@settings(deadline=None)
@given(casts, rules)
def test_a_mirrored_map_mirrors_the_covered_cells(cast: Cast, rule: CellInclusion) -> None:
    assert cast.mirrored().covers(rule) == {(SIDE - 1 - column, row) for column, row in cast.covers(rule)}


@settings(deadline=None)
@given(casts, rules, st.sampled_from([1, 2.5, 5, 20]))
def test_a_larger_area_covers_the_cells_of_a_smaller_one(cast: Cast, rule: CellInclusion, more: float) -> None:
    assert cast.covers(rule) <= cast.covers(rule, feet=cast.feet + more)


@settings(deadline=None)
@given(casts)
def test_a_cell_that_is_half_covered_is_touched(cast: Cast) -> None:
    assert cast.covers(HALF_COVERED) <= cast.covers(ANY_TOUCH)


@settings(deadline=None)
@given(casts)
def test_a_cell_whose_center_is_inside_is_touched(cast: Cast) -> None:
    assert cast.covers(CENTER) <= cast.covers(ANY_TOUCH)
