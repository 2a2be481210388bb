"""Text looks the same on every machine."""

from __future__ import annotations

import json
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
RENDER = """
import json, sys
from tests.maps.builders import pixels
{setup}
sys.stdout.buffer.write(b"".join(pixels(svg).tobytes() for svg in json.load(sys.stdin)))
"""
CONFIGURE = "from image_grpc.maps import fonts; fonts.configure()"


def label_svg(text: str) -> str:
    canvas = Canvas(160, 60)
    canvas.label(text, 80, 40, size=24)
    return canvas.svg()


def rendered(text: str) -> np.ndarray:
    return pixels(label_svg(text))


def run_python(code: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run code in a new process, with the SVG of the labels as JSON on its standard input."""
    inherited = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables,
        input=json.dumps([label_svg(label) for label in LABELS]).encode(),
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


def test_text_is_the_same_without_fonts_of_the_system(expected: bytes, tmp_path: Path) -> None:
    variables = without_fonts(tmp_path)
    del variables["FONTCONFIG_FILE"]
    assert run_python(RENDER.format(setup=CONFIGURE), variables).stdout == expected


def test_text_is_the_same_with_another_font_configuration(expected: bytes, tmp_path: Path) -> None:
    assert run_python(RENDER.format(setup=CONFIGURE), without_fonts(tmp_path)).stdout == expected


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
    assert run_python(f"{CONFIGURE}; {code}", {}).returncode == 0


def test_japanese_differs_from_missing_characters() -> None:
    assert differing(rendered(JAPANESE), rendered("\U000e0fff" * len(JAPANESE))) > 100


def test_different_words_in_japanese_look_different() -> None:
    assert differing(rendered("竜の巣へ"), rendered("鬼の城へ")) > 50


@pytest.mark.parametrize("text", ["Oakvale", JAPANESE, "Żółć Ωmega Дом", "深い森", "a\u3000b", ""])
def test_text_that_the_fonts_support_is_unchanged(text: str) -> None:
    assert drawable(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\tb\nc", "a b c"), ("\x00\x1f\x7f\x9f", "    "), ("\ufffe\uffff", "  "), ("\U000e0fff", " "), ("🐉", "?")],
)
def test_unsupported_characters_are_replaced(text: str, expected: str) -> None:
    assert drawable(text) == expected
