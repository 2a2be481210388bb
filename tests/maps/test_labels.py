"""Places of labels."""

from __future__ import annotations

from itertools import combinations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.maps.labels import Cost, Label, Place, Side, place_labels
from image_grpc.maps.lettering import letter
from image_grpc.pictures.drawings import Box
from tests.maps.scripts import SCRIPTS

WIDTH, HEIGHT, FONT_SIZE, CELL = 560, 420, 11.0, 70

coordinates = st.floats(-1e6, 1e6)
boxes = st.tuples(coordinates, coordinates, st.floats(0, 1e6), st.floats(0, 1e6))
names = st.text(max_size=100) | st.sampled_from(list(SCRIPTS.values()))


def a_label(text: str, element: Box, side: Side = Side.BELOW, size: tuple[float, float] = (WIDTH, HEIGHT)) -> Label:
    return Label(letter(text, FONT_SIZE, *size), element, side)


def token(column: float, row: float) -> Box:
    """Return the bounds of a creature in a cell."""
    return (column * CELL + 3, row * CELL + 3, CELL - 6, CELL - 6)


def placed(labels: list[Label], *occupied: tuple[Box, Cost]) -> list[Place]:
    return list(place_labels(labels, occupied, (WIDTH, HEIGHT)))


def on_tokens(texts: list[str], cells: list[tuple[int, int]]) -> list[Place]:
    """Return the places of labels of creatures."""
    bounds = [token(*cell) for cell in cells]
    labels = [a_label(text, box) for text, box in zip(texts, bounds, strict=True)]
    return placed(labels, *((box, Cost.ELEMENT) for box in bounds))


def shared(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def is_inside(box: Box, width: float, height: float) -> bool:
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    return left >= -0.01 and top >= -0.01 and right <= width + 0.01 and bottom <= height + 0.01


@given(
    st.lists(st.tuples(names, boxes, st.sampled_from(Side)), max_size=8), st.integers(32, 2000), st.integers(32, 2000)
)
def test_all_labels_are_inside_of_the_picture(labels: list[tuple[str, Box, Side]], width: int, height: int) -> None:
    given_labels = [a_label(*each, size=(width, height)) for each in labels]
    places = list(place_labels(given_labels, [], (width, height)))
    assert len(places) == len(labels)
    assert all(is_inside(each.box, width, height) for each in places)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), max_size=12, unique=True))
def test_labels_do_not_overlap_where_there_is_room(cells: list[tuple[int, int]]) -> None:
    places = on_tokens([f"Goblin Archer {index}" for index in range(len(cells))], cells)
    for one, other in combinations(places, 2):
        assert shared(one.box, other.box) < 0.02 * one.box[2] * one.box[3]


def test_labels_of_neighbors_are_all_readable() -> None:
    places = on_tokens([f"Goblin Archer {index}" for index in range(1, 6)], [(column, 2) for column in range(1, 6)])
    assert all(not shared(one.box, other.box) for one, other in combinations(places, 2))
    assert all(not shared(place.box, token(column, 2)) for place in places for column in range(1, 6))
    assert all(place.leader is None for place in places)


@pytest.mark.parametrize(
    ("side", "top", "bottom"), [(Side.BELOW, 273, 300), (Side.ABOVE, 190, 213), (Side.CENTER, 230, 255)]
)
def test_a_label_alone_is_at_its_side(side: Side, top: float, bottom: float) -> None:
    (place,) = placed([a_label("Goblin", token(3, 3), side)])
    left, upper, width, height = place.box
    assert left + width / 2 == pytest.approx(3.5 * CELL)
    assert top < upper < upper + height < bottom
    assert place.leader is None


def test_places_depend_on_nothing_but_the_labels() -> None:
    cells = [(column, row) for row in range(6) for column in range(8)]
    texts = [f"Goblin Archer {index}" for index in range(len(cells))]
    assert on_tokens(texts, cells) == on_tokens(texts, cells)


def test_the_first_of_two_labels_is_closest_to_its_element() -> None:
    first, second = placed([a_label("Goblin", token(3, 3)), a_label("Dragon", token(3, 3))])
    assert first == placed([a_label("Goblin", token(3, 3))])[0]
    assert not shared(first.box, second.box)


def test_a_line_leads_to_a_label_that_is_moved_away() -> None:
    element = token(3, 3)
    left, top, width, height = element
    around = ((left - 200, top - 16, width + 400, height + 32), Cost.LABEL)
    (place,) = placed([a_label("Goblin", element)], around)
    assert not shared(place.box, around[0])
    assert place.leader is not None
    (x1, y1), (x2, y2) = place.leader
    assert (x1 - left - width / 2) ** 2 + (y1 - top - height / 2) ** 2 == pytest.approx((width / 2) ** 2)
    assert place.box[0] <= x2 <= place.box[0] + place.box[2]
    assert place.box[1] <= y2 <= place.box[1] + place.box[3]


def test_labels_avoid_panels_and_elements() -> None:
    below, above = ((210, 270, 70, 40), Cost.PANEL), ((210, 150, 70, 60), Cost.ELEMENT)
    (place,) = placed([a_label("Goblin", token(3, 3))], below, above)
    assert not shared(place.box, below[0])
    assert not shared(place.box, above[0])


def test_labels_stay_where_they_can_be_seen_if_there_is_room() -> None:
    seen = shapely.box(0, 0, WIDTH, 276)
    (place,) = place_labels([a_label("Goblin", token(3, 3))], [], (WIDTH, HEIGHT), seen)
    assert shapely.contains(seen, shapely.box(*place.box[:2], place.box[0] + place.box[2], place.box[1] + place.box[3]))


@given(names, st.floats(1, 200), st.floats(1, 500), st.floats(1, 500))
def test_text_fits_into_its_space(text: str, size: float, width: float, height: float) -> None:
    lettering = letter(text, size, width, height)
    assert 0 < lettering.size <= size
    assert lettering.box_size[0] <= width + 0.01
    assert lettering.box_size[1] <= height + 0.01
    assert lettering.text == text


def test_text_gets_smaller_before_it_is_cut() -> None:
    whole = letter("Guard Captain Aldemar", 20, 500, 500)
    assert (whole.size, whole.is_cut) == (20, False)
    smaller = letter("Guard Captain Aldemar", 20, whole.box_size[0] * 0.8, 500)
    assert smaller.size == pytest.approx(16)
    assert not smaller.is_cut
    assert letter("Guard Captain Aldemar", 20, whole.box_size[0] * 0.5, 500).is_cut
