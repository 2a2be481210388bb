from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getimg_standin import MODELS, pixel_size
from image_grpc.getimg.models import nearest_ratio, parse_ratio, parse_resolution, smallest_resolution

ALL = ("1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9")
sides = st.integers(32, 4096)
models = st.sampled_from(list(MODELS.values()))


@pytest.mark.parametrize(
    ("width", "height", "ratio"),
    [
        (1024, 1024, "1:1"),
        (1920, 1080, "16:9"),
        (333, 777, "9:16"),
        (777, 333, "21:9"),
        (1000, 760, "4:3"),
        (32, 4096, "9:16"),
        (4096, 32, "21:9"),
        (600, 900, "2:3"),
    ],
)
def test_the_nearest_ratio_is_chosen(width: int, height: int, ratio: str) -> None:
    assert nearest_ratio(width, height, ALL) == ratio


@pytest.mark.parametrize(
    ("width", "height", "ratio", "resolution"),
    [
        (1024, 1024, "1:1", "1K"),
        (64, 64, "1:1", "1K"),
        (1100, 1024, "1:1", "2K"),
        (1365, 768, "16:9", "1K"),
        (1367, 770, "16:9", "2K"),
        (4096, 4096, "1:1", "4K"),
        (4096, 2304, "16:9", "4K"),
    ],
)
def test_the_smallest_resolution_that_covers_the_size_is_chosen(
    width: int, height: int, ratio: str, resolution: str
) -> None:
    assert smallest_resolution(width, height, ratio, ["4K", "1K", "2K"]) == resolution


def test_the_largest_resolution_is_chosen_if_none_covers_the_size() -> None:
    assert smallest_resolution(4096, 4096, "1:1", ["1K", "2K"]) == "2K"


def test_a_model_without_valid_values_gets_none() -> None:
    assert nearest_ratio(100, 100, []) is None
    assert nearest_ratio(100, 100, ["auto", "0:1", "1:0", "wide"]) is None
    assert smallest_resolution(100, 100, None, []) is None
    assert smallest_resolution(100, 100, "1:1", ["auto", "HD"]) is None


@given(sides, sides, models)
def test_the_generated_picture_covers_the_requested_size_if_any_resolution_does(
    width: int, height: int, model: object
) -> None:
    ratio = nearest_ratio(width, height, model.aspect_ratios)
    resolution = smallest_resolution(width, height, ratio, model.resolutions)
    assert ratio in model.aspect_ratios
    assert resolution in model.resolutions

    def covers(resolution: str) -> bool:
        # Models round each side to a multiple of 8 pixels.
        picture_width, picture_height = pixel_size(ratio, resolution)
        return picture_width >= width - 8 and picture_height >= height - 8

    assert covers(resolution) or not any(covers(other) for other in model.resolutions)


@given(sides, sides, models)
def test_no_other_ratio_wastes_less_of_the_picture(width: int, height: int, model: object) -> None:
    def ratio_error(ratio: str) -> float:
        return abs(math.log(parse_ratio(ratio) * height / width))

    chosen = nearest_ratio(width, height, model.aspect_ratios)
    assert ratio_error(chosen) == pytest.approx(min(ratio_error(ratio) for ratio in model.aspect_ratios))


@given(st.text(max_size=8))
def test_any_text_in_the_catalog_is_valid_or_ignored(text: str) -> None:
    assert (parse_ratio(text) or 1) > 0
    assert (parse_resolution(text) or 1) >= 0
