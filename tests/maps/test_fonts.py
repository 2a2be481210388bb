"""Text looks the same on every machine, in every script in common use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from image_grpc.maps import fonts
from image_grpc.maps.canvas import Canvas
from tests.maps.builders import differing, pixels, texts
from tests.maps.scripts import SCRIPTS

LABELS = list(SCRIPTS.values())
UNASSIGNED, PRIVATE = "\u0378", "\ue000"
RENDER = """
import json, sys
from pathlib import Path
from tests.maps.builders import pixels
{setup}
sys.stdout.buffer.write(b"".join(pixels(svg).tobytes() for svg in json.load(sys.stdin)))
"""
CONFIGURE = "from image_grpc.maps import fonts; fonts.configure({folder})"


def label_svg(text: str) -> str:
    canvas = Canvas(300, 60)
    canvas.label(text, 150, 40, size=24)
    return canvas.svg()


def rendered(text: str) -> np.ndarray:
    return pixels(label_svg(text))


def run_python(
    code: str, variables: Mapping[str, str], labels: list[str] = LABELS
) -> subprocess.CompletedProcess[bytes]:
    """Run code in a new process, with the SVG of labels as JSON on its standard input."""
    inherited = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables,
        input=json.dumps([label_svg(label) for label in labels]).encode(),
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def expected() -> bytes:
    """Return the pixels of the labels, rendered by this process."""
    return b"".join(rendered(label).tobytes() for label in LABELS)


def without_fonts(folder: Path) -> dict[str, str]:
    """Return variables for a process whose fontconfig finds no font."""
    file = folder / "none.conf"
    file.write_text(f"<fontconfig><cachedir>{folder}</cachedir></fontconfig>")
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "FONTCONFIG_PATH")
    return dict.fromkeys(names, str(folder)) | {"FONTCONFIG_FILE": str(file)}


def only_shipped_fonts(folder: Path) -> str:
    """Return code that configures the shipped fonts, and takes those of the machine away."""
    text = (fonts.FOLDER / "fonts.conf").read_text("utf-8")
    without = text.replace('<dir prefix="relative">.</dir>', f"<dir>{fonts.FOLDER}</dir>")
    for system in ("/usr/share/fonts", "/usr/local/share/fonts"):
        assert f"<dir>{system}</dir>" in without
        without = without.replace(f"<dir>{system}</dir>", "")
    file = folder / "only.conf"
    file.write_text(without, "utf-8")
    return f"import os; os.environ['FONTCONFIG_FILE'] = {str(file)!r}"


def operator_fonts(folder: Path, **colors: list[tuple[str, int]]) -> Path:
    """Return a folder with a font whose letters are black squares: `D`, and a character that no shipped font has.

    `colors` has the layers of glyphs that have colors.
    """
    builder = FontBuilder(1000, isTTF=True)
    pen = TTGlyphPen(None)
    for step, point in enumerate([(0, 0), (0, 700), (700, 700), (700, 0)]):
        (pen.lineTo if step else pen.moveTo)(point)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", "square"]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord("D"): "square", ord(PRIVATE): "square"})
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (700, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "House & Sons", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    if colors:
        builder.setupCOLR(colors)
        builder.setupCPAL([[(1, 0, 0, 1)]])
    folder = folder / "my fonts" / "more"
    folder.mkdir(parents=True)
    builder.save(folder / "house.ttf")
    (folder / "broken.ttf").write_bytes(b"no font")
    return folder.parent


def test_text_is_the_same_without_fonts_of_the_system(expected: bytes, tmp_path: Path) -> None:
    process = run_python(RENDER.format(setup=only_shipped_fonts(tmp_path)), without_fonts(tmp_path))
    assert process.stdout == expected


def test_text_is_the_same_with_another_font_configuration(expected: bytes, tmp_path: Path) -> None:
    setup = CONFIGURE.format(folder="")
    assert run_python(RENDER.format(setup=setup), without_fonts(tmp_path)).stdout == expected


def test_text_is_the_same_with_fonts_of_the_operator(expected: bytes, tmp_path: Path) -> None:
    setup = CONFIGURE.format(folder=f"Path({str(operator_fonts(tmp_path))!r})")
    assert run_python(RENDER.format(setup=setup), without_fonts(tmp_path)).stdout == expected


def test_fonts_of_the_operator_draw_what_no_shipped_font_has(tmp_path: Path) -> None:
    setup = CONFIGURE.format(folder=f"Path({str(operator_fonts(tmp_path))!r})")
    process = run_python(RENDER.format(setup=setup), without_fonts(tmp_path), [PRIVATE])
    drawn = np.frombuffer(process.stdout, np.uint8).reshape(60, 300, 4)
    # A square of 0.7 font sizes, which are 24 pixels.
    black = (drawn[:, :, 3] == 255) & (drawn[:, :, 0] < 40)
    assert black.sum() == pytest.approx((0.7 * 24) ** 2, rel=0.15)
    assert differing(drawn, rendered(PRIVATE)) > 50


def test_fonts_with_colors_are_not_used(tmp_path: Path) -> None:
    folder = operator_fonts(tmp_path, square=[("square", 0)])
    setup = CONFIGURE.format(folder=f"Path({str(folder)!r})")
    process = run_python(RENDER.format(setup=setup), without_fonts(tmp_path), [PRIVATE])
    assert process.stdout == rendered(PRIVATE).tobytes()


def test_text_differs_without_the_shipped_fonts(expected: bytes, tmp_path: Path) -> None:
    # Otherwise the tests above would prove nothing.
    process = run_python(RENDER.format(setup=""), without_fonts(tmp_path))
    assert len(process.stdout) == len(expected)
    assert process.stdout != expected


def test_text_cannot_be_drawn_before_the_fonts_are_configured(tmp_path: Path) -> None:
    code = "from image_grpc.maps.canvas import Canvas; Canvas(9, 9).label('a', 4, 4)"
    for variables in ({}, without_fonts(tmp_path)):
        process = run_python(code, variables)
        assert process.returncode == 1
        assert b"FontsNotConfigured" in process.stderr
    assert run_python(f"{CONFIGURE.format(folder='')}; {code}", {}).returncode == 0


def test_shipped_families_are_listed_once_and_have_names_of_their_own() -> None:
    families = Counter(fonts.packaged_families())
    assert set(families.values()) == {1}
    assert {family_of(file) for file in fonts.packaged_files()} == set(families)
    assert all(family.startswith("Tabletop ") for family in families)


def family_of(file: Path) -> str:
    with TTFont(file) as font:
        name: str = font["name"].getDebugName(1)
        return name


@cache
def shipped_characters() -> set[int]:
    codes: set[int] = set()
    for file in fonts.packaged_files():
        with TTFont(file) as font:
            codes.update(font.getBestCmap())
    return codes


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_text_in_any_script_is_drawn_and_unchanged(text: str) -> None:
    joining = {0x200C, 0x200D, 0xFE0F}
    assert {ord(each) for each in text} - joining <= shipped_characters()
    assert texts(label_svg(text)) == [text]
    drawn = rendered(text)
    assert differing(drawn, rendered(UNASSIGNED * len(text))) > 100
    assert differing(drawn, rendered(text[::-1])) > 50, "its characters look different"


def test_missing_characters_are_drawn_as_boxes_and_unchanged() -> None:
    assert texts(label_svg(UNASSIGNED)) == [UNASSIGNED]
    assert rendered(UNASSIGNED).any()


@pytest.mark.parametrize(
    ("together", "apart"),
    [
        ("التنين", "\u200c".join("التنين")),  # letters join
        ("क्ष", "क्\u200cष"),  # consonants form a conjunct
        ("ශ්‍ර", "ශ්\u200cර"),
        ("👩‍👩‍👧", "👩👩👧"),
        ("🇩🇪", "🇩 🇪"),
        ("각", "각"),
    ],
)
def test_text_is_shaped(together: str, apart: str) -> None:
    if together == "각":
        assert differing(rendered(together), rendered(apart)) == 0, "jamo form the syllable"
    else:
        assert differing(rendered(together), rendered(apart)) > 50


def test_text_from_right_to_left_is_ordered_by_its_first_letter() -> None:
    hebrew = rendered("אבג!")
    columns = hebrew[:, :, 3].any(axis=0).nonzero()[0]
    ink = (hebrew[:, :, 3] == 255) & (hebrew[:, :, 0] < 60)
    left = ink[:, columns[0] : columns[0] + 9]
    # The exclamation mark, which is narrow and high, comes last: at the left.
    assert 0 < left.any(axis=0).sum() <= 8
    assert differing(hebrew, rendered("!אבג")) > 50


def test_a_dragon_is_drawn_as_a_dragon() -> None:
    assert differing(rendered("🐉"), rendered("🐁")) > 50
    assert differing(rendered("🐉"), rendered(UNASSIGNED)) > 50
