"""Rendering: formats, sizes, drawings over pictures."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips

from image_grpc.pictures import BadPicture, Composition, Region, View, render, size_of
from image_grpc.pictures.drawings import Box
from tests.pictures.samples import JPEG, PNG, decoded, noise


class Squares:
    """Drawing of red squares of 20 pixels at given upper left corners."""

    def __init__(self, *corners: tuple[int, int]) -> None:
        self.corners = corners

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        assert part is not None
        left, top, width, height = part
        squares = "".join(f'<rect x="{x}" y="{y}" width="20" height="20" fill="red"/>' for x, y in self.corners)
        size = f'width="{width * scale}" height="{height * scale}"'
        box = f'viewBox="{left} {top} {width} {height}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}>{squares}</svg>'


def gray(width: int, height: int, bands: int = 3) -> bytes:
    color = [128] * 3 + [255] * (bands - 3)
    picture = pyvips.Image.black(width, height, bands=bands).linear(1, color).cast("uchar")
    data: bytes = picture.copy(interpretation="srgb").write_to_buffer(".png")
    return data


def red_pixels(data: bytes) -> set[tuple[int, int]]:
    """Return column and row of each pure red pixel."""
    pixels = decoded(data).numpy()
    rows, columns = np.nonzero((pixels[:, :, 0] == 255) & (pixels[:, :, 1] == 0) & (pixels[:, :, 2] == 0))
    return set(zip(columns.tolist(), rows.tolist(), strict=True))


def square(x: int, y: int, side: int = 20) -> set[tuple[int, int]]:
    return {(x + i, y + j) for i in range(side) for j in range(side)}


@pytest.mark.parametrize("bands", [3, 4])
def test_a_drawing_is_at_its_place_across_tiles(bands: int) -> None:
    # A tile has 1408 pixels: the second square is on the corner of four tiles.
    corners = (0, 0), (1400, 1400), (1480, 1440)
    data = render(gray(1500, 1460, bands), View(format=PNG), Composition(drawing=Squares(*corners)))
    assert size_of(data) == (1500, 1460)
    assert red_pixels(data) == square(0, 0) | square(1400, 1400) | square(1480, 1440)


def test_a_drawing_is_scaled_with_its_picture() -> None:
    data = render(gray(400, 200), View(format=PNG, max_side=200), Composition(drawing=Squares((40, 20), (380, 180))))
    assert size_of(data) == (200, 100)
    assert red_pixels(data) == square(20, 10, 10) | square(190, 90, 10)


@pytest.mark.parametrize(
    ("max_side", "size"), [(0, (300, 200)), (299, (299, 199)), (300, (300, 200)), (301, (300, 200)), (1, (1, 1))]
)
def test_no_side_is_longer_than_the_maximum(max_side: int, size: tuple[int, int]) -> None:
    assert size_of(render(noise(300, 200), View(format=PNG, max_side=max_side))) == size


REGION = Region(300, 100, 200, 150)


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("hides", [False, True])
def test_a_region_of_a_drawing_is_over_that_of_the_picture(bands: int, hides: bool) -> None:
    view, drawing = View(format=PNG, region=REGION), Squares((310, 120), (290, 100), (0, 0))
    data = render(gray(600, 400, bands), view, Composition(drawing=drawing, hides=hides))
    assert size_of(data) == (200, 150)
    assert red_pixels(data) == square(10, 20) | {(x, y) for x, y in square(-10, 0) if x >= 0}


def test_a_region_is_scaled() -> None:
    drawing = Squares((310, 120))
    data = render(gray(600, 400), View(format=PNG, region=REGION, max_side=100), Composition(drawing=drawing))
    assert size_of(data) == (100, 75)
    assert red_pixels(data) == square(5, 10, 10)


def test_tiles_are_the_whole_picture() -> None:
    picture = noise(300, 200)
    tiles = [
        decoded(render(picture, View(format=PNG, region=Region(x, y, 100, 100))))
        for y in (0, 100)
        for x in (0, 100, 200)
    ]
    whole = pyvips.Image.arrayjoin(tiles, across=3)
    assert bytes(whole.write_to_memory()) == bytes(decoded(render(picture, View(format=PNG))).write_to_memory())


def test_a_damaged_picture_is_rejected() -> None:
    data = noise(300, 200, JPEG)
    with pytest.raises(BadPicture, match="damaged"):
        render(data[: len(data) // 2], View(format=PNG))
