"""Properties of the pictures, apart from their beauty."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from getimg_standin.art import Brief, Layouts, draw

PHRASES = {
    "tactical": "tactical battle map",
    "campaign": "campaign map",
    "portrait": "character portrait",
    "item": "item illustration",
    "abstract": "a mood",
}
THEMES = ("fantasy", "western", "cyberpunk", "steampunk", "horror", "space_fantasy", "an unknown theme")

PLACES = [
    "dungeon", "cave", "tavern", "crypt", "ship", "station", "street", "forest", "river", "swamp",
    "desert", "snow", "camp", "road", "meadow", "lake",
]  # fmt: skip
REGIONS = ["sea", "island", "mountain", "desert", "forest", "snow"]
PEOPLE = ["elf", "dwarf", "orc", "robot", "undead", "alien", "tiefling", "human"]
CLASSES = ["fighter", "wizard", "rogue", "ranger", "cleric", "bard", "cowboy", "barbarian"]
HEADGEAR = ["helmet", "hood", "hat", "crown"]
ITEMS = [
    "sword", "dagger", "axe", "hammer", "bow", "staff", "gun", "shield", "helmet", "breastplate",
    "potion", "ring", "book", "scroll", "amulet", "gem", "chest", "weapon", "armor", "trinket",
]  # fmt: skip

SIZE = 128


def pixels(prompt: str, seed: int = 1, size: int = SIZE) -> NDArray[np.uint8]:
    data = draw(Brief.from_prompt(prompt), seed, size, size, "png")
    array: NDArray[np.uint8] = pyvips.Image.new_from_buffer(data, "").numpy()
    return array


@pytest.mark.parametrize("kind", PHRASES)
@pytest.mark.parametrize("theme", THEMES)
def test_every_kind_is_drawn_in_every_theme(kind: str, theme: str) -> None:
    picture = pixels(f"{PHRASES[kind]}, {theme}")
    assert picture.shape == (SIZE, SIZE, 3)
    assert 10 < picture.mean() < 240
    assert picture.std() > 12


@pytest.mark.parametrize(
    "prompt",
    [
        *(f"tactical battle map of a {word}, fantasy" for word in PLACES),
        *(f"campaign map, {word}, steampunk" for word in REGIONS),
        *(f"character portrait, {word} {class_}" for word, class_ in zip(PEOPLE, CLASSES, strict=True)),
        *(f"character portrait in a {word}, fantasy" for word in HEADGEAR),
        *(f"item illustration of a {word}, fantasy" for word in ITEMS),
    ],
)
def test_every_subject_is_drawn(prompt: str) -> None:
    assert pixels(prompt).std() > 12


@pytest.mark.parametrize("kind", PHRASES)
def test_the_seed_decides_the_picture(kind: str) -> None:
    brief = Brief.from_prompt(f"{PHRASES[kind]}, fantasy")
    first, second, other = (draw(brief, seed, SIZE, SIZE, "png") for seed in (5, 5, 6))
    assert first == second
    assert first != other


@pytest.mark.parametrize("kind", PHRASES)
def test_themes_look_different(kind: str) -> None:
    means = [pixels(f"{PHRASES[kind]}, {theme}").mean(axis=(0, 1)) for theme in THEMES[:6]]
    distances = [np.abs(first - second).max() for index, first in enumerate(means) for second in means[:index]]
    assert min(distances) > 1.5


@pytest.mark.parametrize("kind", ["tactical", "campaign"])
def test_another_theme_keeps_the_layout(kind: str) -> None:
    def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
        return float(np.corrcoef(first.mean(axis=2).ravel(), second.mean(axis=2).ravel())[0, 1])

    original = pixels(f"{PHRASES[kind]}, fantasy", seed=3)
    same_layout = pixels(f"{PHRASES[kind]}, horror", seed=3)
    other_layout = pixels(f"{PHRASES[kind]}, fantasy", seed=4)
    assert correlation(original, same_layout) > correlation(original, other_layout) + 0.2


@pytest.mark.parametrize("kind", PHRASES)
def test_the_layout_does_not_depend_on_the_resolution(kind: str) -> None:
    small = pixels(f"{PHRASES[kind]}, fantasy", size=256).astype(float)
    large = pixels(f"{PHRASES[kind]}, fantasy", size=512).reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < 14


@pytest.mark.parametrize(
    ("image_format", "size"), [("png", (256, 112)), ("jpeg", (112, 256)), ("webp", (200, 152)), ("png", (8, 8))]
)
def test_formats_and_sizes(image_format: str, size: tuple[int, int]) -> None:
    for phrase in PHRASES.values():
        data = draw(Brief.from_prompt(f"{phrase}, fantasy"), 99, *size, image_format)
        picture = pyvips.Image.new_from_buffer(data, "", fail_on="warning")
        assert picture.get("vips-loader").startswith(image_format)
        assert (picture.width, picture.height, picture.bands) == (*size, 3)
        assert Layouts().seed(data) == 99


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_foreign_references_have_seeds(data: bytes) -> None:
    assert Layouts().seed(data) == Layouts().seed(data)
    assert Layouts().seed(data) != Layouts().seed(data + b"x")


@pytest.mark.parametrize("kind", PHRASES)
def test_a_cropped_scaled_and_reencoded_picture_is_recognized(kind: str) -> None:
    layouts = Layouts()
    for seed in range(1, 6):
        data = draw(Brief.from_prompt(f"{PHRASES[kind]}, horror"), seed, 256, 192, "png")
        layouts.remember(data, seed)
        if seed == 3:
            picture = pyvips.Image.new_from_buffer(data, "").crop(4, 0, 248, 192)
            reference = bytes(picture.resize(0.7).webpsave_buffer(Q=75, keep="none"))
    assert layouts.seed(reference) == 3
