"""Measurement of text as the renderer draws it: the same fonts, chosen in the same way, and the same shaping."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import pyvips
import uharfbuzz as hb
from fontTools.unicodedata import script as script_of

from image_grpc.maps import fonts

_ASCENT, _DESCENT = 0.78, 0.24
"""Extents of a line of text without anything unusually high or deep, in font sizes."""
_EMOJI = f"{fonts.FAMILY.partition(' ')[0]} Emoji"
_ANY_SCRIPT = frozenset({"Zyyy", "Zinh"})
_SHOWN_AS_EMOJI, _JOINER, _KEYCAP = "\ufe0f", "\u200d", "\u20e3"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEW_LINE = re.compile("[\r\u2028\u2029]")
_LINE_HEIGHT = 1.6
"""Distance between lines in font sizes, at most."""
_SAMPLE_SIZE = 40
"""Font size in pixels at which Pango measures text."""


@dataclass(frozen=True, slots=True)
class Extents:
    """Extents of text, in font sizes."""

    width: float
    ascent: float
    """Above the baseline of the first line."""
    descent: float
    """Below the baseline of the first line."""


@dataclass(frozen=True, slots=True)
class _Font:
    font: hb.Font
    units: int

    def has(self, character: str) -> bool:
        # Pango draws control characters as boxes, even if a font has them.
        return unicodedata.category(character) != "Cc" and self.font.get_nominal_glyph(ord(character)) is not None


@dataclass(frozen=True, slots=True)
class _Shaped:
    """Extents of a run of text in font sizes: how far it advances, and its ink."""

    advance: float
    overhang: float
    """Beyond the advance, at the start or the end."""
    top: float
    bottom: float


def for_xml(text: str) -> str:
    """Return text with blanks for the control characters that XML cannot contain."""
    return _NOT_IN_XML.sub(" ", text)


def direction(text: str) -> str:
    """Return `ltr` or `rtl`, the direction of the first letter that has one."""
    strong = (unicodedata.bidirectional(each) for each in text)
    first = next((each for each in strong if each in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


@lru_cache(4096)
def measure(text: str) -> Extents:
    """Return the extents of text, as SVG draws it.

    Pango, which is slower, measures text with characters that no shipped font has.
    """
    # The renderer begins a new line only here.
    lines = [_measured(line) for line in _NEW_LINE.split(for_xml(text))]
    descent = max(each.descent for each in lines) + _LINE_HEIGHT * (len(lines) - 1)
    return Extents(max(each.width for each in lines), max(each.ascent for each in lines), descent)


def _measured(text: str) -> Extents:
    # Without this white space, and with single blanks, as SVG says.
    line = re.sub(" +", " ", text.replace("\n", "").replace("\t", " ").strip(" "))
    if not line:
        return Extents(0.0, _ASCENT, _DESCENT)
    is_simple = line.isascii() and line.isprintable()
    runs: list[tuple[_Font | None, str]] = [(_fonts()[fonts.FAMILY], line)] if is_simple else list(_runs(line))
    if any(font is None for font, _ in runs):
        return _measured_by_pango(line)
    shaped = [_shape(font, run) for font, run in runs if font is not None]
    # Text is anchored by its advance, so that what extends beyond it needs space on both sides.
    overhang = max(each.overhang for each in shaped)
    return Extents(
        sum(each.advance for each in shaped) + 2 * overhang,
        max(_ASCENT, *(each.top for each in shaped)),
        max(_DESCENT, *(each.bottom for each in shaped)),
    )


def _shape(font: _Font, run: str) -> _Shaped:
    buffer = hb.Buffer()
    buffer.add_str(run)
    buffer.guess_segment_properties()
    hb.shape(font.font, buffer)
    advance, left, right, top, bottom = 0, 0, 0, 0, 0
    for glyph, at in zip(buffer.glyph_infos or (), buffer.glyph_positions or (), strict=True):
        if (ink := font.font.get_glyph_extents(glyph.codepoint)) is not None:
            start, upper = advance + at.x_offset + ink.x_bearing, at.y_offset + ink.y_bearing
            left, right = min(left, start), max(right, start + ink.width)
            top, bottom = max(top, upper), max(bottom, -upper - ink.height)
        advance += at.x_advance
    overhang = max(-left, right - advance, 0)
    return _Shaped(*(each / font.units for each in (advance, overhang, top, bottom)))


def _measured_by_pango(line: str) -> Extents:
    markup = line.replace("&", "&amp;").replace("<", "&lt;")
    try:
        drawn = pyvips.Image.text(markup, font=f"{fonts.FAMILY} Bold {_SAMPLE_SIZE}", dpi=72)
    except pyvips.Error:  # there is nothing to draw
        return Extents(0, _ASCENT, _DESCENT)
    # Where the baseline is, is unknown: either extent is an upper bound.
    height = drawn.height / _SAMPLE_SIZE
    return Extents(drawn.width / _SAMPLE_SIZE, max(_ASCENT, height), max(_DESCENT, height - _ASCENT))


def _runs(line: str) -> Iterator[tuple[_Font | None, str]]:
    """Yield parts of a line that one font draws, in one script."""
    start, font, script = 0, None, "Zyyy"
    for index, character in enumerate(line):
        next_font = _font_at(line, index, font)
        next_script = script_of(character)
        if next_script in _ANY_SCRIPT:
            next_script = script
        new_script = next_script != script and script != "Zyyy"
        if index > start and (next_font is not font or new_script):
            yield font, line[start:index]
            start = index
        font, script = next_font, next_script
    if line:
        yield font, line[start:]


def _font_at(line: str, index: int, previous: _Font | None) -> _Font | None:
    character = line[index]
    if previous is not None:
        is_space = character == " " and previous is not _emoji_font()
        if _follows(character) or ((is_space or _is_mark(character)) and previous.has(character)):
            return previous
    return _emoji_font() if _is_emoji(line, index) else _font_for(character)


def _follows(character: str) -> bool:
    """Whether a character is drawn with the font of the one before it, as it has nothing to draw."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or ord(character) in _SKIN_TONES


def _is_emoji(line: str, index: int) -> bool:
    """Whether a character is shown as emoji: wide ones are by themselves."""
    character, next_ = line[index], line[index + 1 : index + 2]
    if not _emoji_font().has(character):
        return False
    joined = _JOINER in (next_, line[index - 1 : index])
    is_wide = unicodedata.east_asian_width(character) == "W" or ord(character) in _REGIONAL
    return is_wide or next_ == _SHOWN_AS_EMOJI or joined or character == _KEYCAP


@lru_cache(8192)
def _font_for(character: str) -> _Font | None:
    return next((font for font in _fonts().values() if font.has(character)), None)


def _emoji_font() -> _Font:
    return _fonts()[_EMOJI]


@cache
def _fonts() -> dict[str, _Font]:
    """Return the shipped fonts by family, in the order in which they are looked at for a character."""
    by_family = {}
    for file in fonts.packaged_files():
        face = hb.Face(hb.Blob.from_file_path(str(file)))
        by_family[face.get_name(hb.OTNameIdPredefined.FONT_FAMILY)] = _Font(hb.Font(face), face.upem)
    return {family: by_family[family] for family in fonts.packaged_families()}
