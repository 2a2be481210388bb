"""Text looks the same whatever fonts a machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.fonts import drawable
from tests.maps.builders import differing, pixels

JAPANESE = "竜の巣へ"
LABELS = ["Oakvale", JAPANESE, "Żółć Ωmega Дом"]


def written(text: str) -> str:
    canvas = Canvas(160, 60)
    canvas.label(text, 80, 40, size=24)
    return canvas.svg()


def rendered(text: str) -> np.ndarray:
    return pixels(written(text))


ELSEWHERE = """
import sys
from tests.maps.test_fonts import LABELS, rendered
{before}
sys.stdout.buffer.write(b"".join(rendered(label).tobytes() for label in LABELS))
"""


def rendered_elsewhere(surroundings: Mapping[str, str], *, before: str = "") -> bytes:
    """The pixels of the labels, rendered by a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(before=before)],
        env=kept | {"PYTHONPATH": os.pathsep.join(sys.path)} | surroundings,
        stdout=subprocess.PIPE,
        check=True,
    )
    return ran.stdout


@pytest.fixture(scope="module")
def here() -> bytes:
    return b"".join(rendered(label).tobytes() for label in LABELS)


def nothing_in(folder: Path) -> dict[str, str]:
    """An environment that leads to no font."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "FONTCONFIG_PATH")
    return dict.fromkeys(names, str(empty))


def no_fonts(folder: Path) -> str:
    """A configuration of fontconfig without any font."""
    file = folder / "none.conf"
    file.write_text(f"<fontconfig><cachedir>{folder}</cachedir></fontconfig>")
    return str(file)


def test_text_is_the_same_without_fonts_of_the_system(here: bytes, tmp_path: Path) -> None:
    assert rendered_elsewhere(nothing_in(tmp_path)) == here


def test_text_is_the_same_where_fontconfig_was_pointed_elsewhere(here: bytes, tmp_path: Path) -> None:
    assert rendered_elsewhere(nothing_in(tmp_path) | {"FONTCONFIG_FILE": no_fonts(tmp_path)}) == here


def test_without_the_fonts_that_come_along_it_would_not_be_the_same(here: bytes, tmp_path: Path) -> None:
    # Else the tests above would show nothing.
    taken_away = f"import os; os.environ['FONTCONFIG_FILE'] = {no_fonts(tmp_path)!r}"
    assert rendered_elsewhere(nothing_in(tmp_path), before=taken_away) != here


def test_japanese_is_not_drawn_as_what_no_font_has() -> None:
    assert differing(rendered(JAPANESE), rendered("\U000e0fff" * len(JAPANESE))) > 100


def test_different_words_in_japanese_look_different() -> None:
    assert differing(rendered("竜の巣へ"), rendered("鬼の城へ")) > 50


@pytest.mark.parametrize("text", ["Oakvale", JAPANESE, "Żółć Ωmega Дом", "深い森", "a\u3000b", ""])
def test_text_that_the_fonts_have_is_left_as_it_is(text: str) -> None:
    assert drawable(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\tb\nc", "a b c"), ("\x00\x1f\x7f\x9f", "    "), ("\ufffe\uffff", "  "), ("\U000e0fff", " "), ("🐉", "?")],
)
def test_what_cannot_be_drawn_is_replaced(text: str, expected: str) -> None:
    assert drawable(text) == expected
