"""Walls as few long lines."""

from __future__ import annotations

import math

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.scenes.polylines import LEAST_LENGTH, polylines

COORDINATES = st.integers(0, 12).map(lambda quarter: quarter / 4)
NOTHING = np.empty((0, 2, 2))
POINTS = st.tuples(COORDINATES, COORDINATES)


@given(st.lists(st.tuples(POINTS, POINTS), max_size=25))
def test_lines_stay_near_the_walls_and_have_no_segment_without_length(
    segments: list[tuple[tuple[float, float], tuple[float, float]]],
) -> None:
    lines, is_simplified = polylines(np.array(segments, dtype=float).reshape(-1, 2, 2), NOTHING)
    walls = shapely.union_all([shapely.LineString(each) for each in segments if each[0] != each[1]])
    drawn = shapely.union_all([shapely.LineString(line) for line in lines])
    assert shapely.is_empty(walls) == shapely.is_empty(drawn)
    if not shapely.is_empty(walls):
        assert shapely.hausdorff_distance(walls, drawn) <= LEAST_LENGTH + 1e-9
    if not is_simplified:
        assert math.isclose(walls.length, drawn.length)
    for line in lines:
        assert len(line) >= 2
        assert np.all(np.hypot(*np.diff(line, axis=0).T) > 0)


def test_a_circle_has_segments_of_the_least_length() -> None:
    angles = np.linspace(0, 2 * np.pi, 101)
    ring = np.stack([5 + 2 * np.cos(angles), 5 + 2 * np.sin(angles)], axis=1)
    [line], is_simplified = polylines(np.stack([ring[:-1], ring[1:]], axis=1), NOTHING)
    assert is_simplified
    lengths = np.hypot(*np.diff(line, axis=0).T)
    assert np.all(lengths >= LEAST_LENGTH)
    assert np.all(lengths < 3 * LEAST_LENGTH)
    assert np.array_equal(line[0], line[-1]), "it stays closed"


def test_lines_that_meet_still_meet() -> None:
    cross = [[(0, 0), (1, 0)], [(1, 0), (2, 0)], [(1, 0), (1, 0.1)], [(1, 0.1), (1, 1)]]
    lines, _ = polylines(np.array(cross, dtype=float), NOTHING)
    assert len(lines) == 3
    assert all((1, 0) in map(tuple, line.tolist()) for line in lines)


def test_a_long_wall_stays_where_it_is_beside_a_short_one() -> None:
    corner = np.array([[(0, 4), (5, 4)], [(5, 4), (5, 4.25)]], dtype=float)
    [line], is_simplified = polylines(corner, NOTHING)
    assert line.tolist() == [[0, 4], [5, 4], [5, 4.25]]
    assert not is_simplified


def test_a_curve_keeps_the_point_where_a_door_meets_it() -> None:
    xs = np.linspace(0, 2, 21)
    curve = np.stack([xs, np.sin(xs)], axis=1)
    door = np.array([[curve[7], (3, 3)]])
    [line], is_simplified = polylines(np.stack([curve[:-1], curve[1:]], axis=1), door)
    assert is_simplified
    assert np.round(curve[7], 6).tolist() in line.tolist()


def test_a_straight_wall_in_many_parts_is_one_segment() -> None:
    xs = np.linspace(0, 3, 31)
    wall = np.stack([xs, np.zeros(31)], axis=1)
    [line], is_simplified = polylines(np.stack([wall[:-1], wall[1:]], axis=1), NOTHING)
    assert line.tolist() == [[0, 0], [3, 0]]
    assert not is_simplified


def test_a_wall_twice_is_drawn_once() -> None:
    [line], _ = polylines(np.array([[(0, 0), (1, 0)], [(1, 0), (0, 0)]], dtype=float), NOTHING)
    assert line.tolist() == [[0, 0], [1, 0]]
