"""Pictures as people bring them look right, whatever they become."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from image_grpc.pictures import View, describe, normalize, render
from tests.pictures.corpus import LOSSY, Color, Sample, samples
from tests.pictures.samples import AVIF, JPEG, PNG, WEBP, decoded

SAMPLES = list(samples())
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


def seen(picture: pyvips.Image) -> NDArray[np.int16]:
    """Return the colors in the middles of the quarters of a picture, row by row."""
    width, height = picture.width, picture.height
    points = [(width * x // 4, height * y // 4) for y in (1, 3) for x in (1, 3)]
    return np.array([picture(*point) for point in points]).round().astype(np.int16)


def on_white(color: Color) -> Color:
    alpha = color[3] / 255 if len(color) == 4 else 1
    red, green, blue = (round(channel * alpha + 255 * (1 - alpha)) for channel in color[:3])
    return red, green, blue


def assert_plain(data: bytes) -> None:
    """Assert that a file is upright, sRGB with 8 bits per channel, and has no metadata."""
    picture = decoded(data)
    assert picture.format == "uchar"
    assert picture.interpretation in ("srgb", "b-w")
    fields = picture.get_fields()
    assert not [field for field in fields if field.endswith("-data") or field == "delay"]
    assert "orientation" not in fields or picture.get("orientation") == 1
    assert picture.get_n_pages() == 1


def assert_seen(data: bytes, sample: Sample, *, tolerance: int) -> None:
    picture = decoded(data).colourspace("srgb")
    assert (picture.width, picture.height) == (sample.width, sample.height)
    colors, expected = seen(picture), np.array(sample.colors)
    if expected.shape[1] == 4:
        assert picture.hasalpha()
        assert np.abs(colors[:, 3] - expected[:, 3]).max() <= 2
        visible = expected[:, 3] > 0  # of what is transparent, encoders choose the color
        colors, expected = colors[visible, :3], expected[visible, :3]
    assert np.abs(colors[:, :3] - expected).max() <= tolerance, f"{colors.tolist()}, not {expected.tolist()}"


@every_sample
def test_a_picture_is_described_as_it_is_seen(sample: Sample) -> None:
    described = describe(sample.data)
    assert (described.width, described.height) == (sample.width, sample.height)


@every_sample
def test_a_rendition_without_loss_shows_the_colors(sample: Sample) -> None:
    rendered = render(sample.data, View(format=PNG))
    assert_plain(rendered)
    assert_seen(rendered, sample, tolerance=sample.tolerance)


@every_sample
def test_a_jpeg_shows_the_colors_on_white(sample: Sample) -> None:
    rendered = render(sample.data, View(format=JPEG))
    assert_plain(rendered)
    expected = np.array([on_white(color) for color in sample.colors])
    assert np.abs(seen(decoded(rendered)) - expected).max() <= sample.tolerance + LOSSY


@every_sample
@pytest.mark.parametrize("format_", [WEBP, AVIF], ids=["webp", "avif"])
def test_smaller_renditions_show_the_colors(sample: Sample, format_: int) -> None:
    rendered = decoded(render(sample.data, View(format=format_, max_side=48)))
    assert (rendered.width, rendered.height) == (48, 32)
    expected = np.array([on_white(color) for color in sample.colors])
    flat = rendered.colourspace("srgb")
    flat = flat.flatten(background=255) if flat.hasalpha() else flat
    assert np.abs(seen(flat) - expected).max() <= sample.tolerance + 2 * LOSSY


@every_sample
def test_a_normalized_picture_is_plain_and_looks_the_same(sample: Sample) -> None:
    normalized = normalize(sample.data)
    if normalized.data is not sample.data:
        assert_plain(normalized.data)
    lossy = normalized.data is not sample.data and normalized.description.format not in (PNG,)
    assert_seen(normalized.data, sample, tolerance=sample.tolerance + (LOSSY if lossy else 0))
    assert normalized.description == describe(normalized.data)


@every_sample
def test_a_normalized_picture_is_clean(sample: Sample) -> None:
    normalized = normalize(sample.data)
    again = normalize(normalized.data)
    assert again.data is normalized.data
    assert again.changes == ()
