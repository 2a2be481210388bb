"""Builds the packaged fonts from fonts that Debian and npm distribute.

python tools/fonts.py SOURCE    SOURCE contains the files of `FONTS`, in any of its folders

They come from the Debian packages fonts-dejavu-core, fonts-droid-fallback, fonts-noto-core and fonts-noto-cjk, and from
the npm package @expo-google-fonts/noto-emoji. Each gets a family name of its own, so that fonts of the same name that a
machine has are never used instead, and loses hinting, which the renderer ignores. `fonts.conf` lists the families in
the order of `FONTS`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont
from fontTools.unicodedata import script

FOLDER = Path(__file__).parents[1] / "src/image_grpc/maps/fonts"
PREFIX = "Tabletop"
KEPT_NAMES = (0, 13, 14)
"""Ids of names in a font: copyright, license, and its URL."""
UNUSED_TABLES = ("BASE", "DSIG", "FFTM", "MATH", "VORG", "vhea", "vmtx")
IN_FONTS_OF_THEIR_OWN = frozenset({"Arab", "Armn", "Cans", "Geor", "Hebr", "Laoo", "Lisu", "Nkoo", "Tfng"})
"""Scripts that DejaVu has as well, not as completely."""
HANGUL = frozenset({*range(0x1100, 0x1200), *range(0x3130, 0x3190), *range(0xA960, 0xA980), *range(0xAC00, 0xD800)})
KANA = frozenset({*range(0x2E80, 0x3130), *range(0x3190, 0x3400), *range(0xFE30, 0xFE50), *range(0xFF00, 0xFFF0)})
FANCY_LETTERS = frozenset({*range(0x1D400, 0x1D800), *range(0x2100, 0x2150)})


@dataclass(frozen=True, slots=True)
class Source:
    """A font to take, and the names that it gets: of its family, after `PREFIX`, and of its file."""

    file: str
    family: str
    target: str


# fmt: off
NOTO = [
    "Arabic", "Hebrew", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada",
    "Malayalam", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Georgian", "Armenian", "Ethiopic", "Thaana",
    "Cherokee", "CanadianAboriginal", "Javanese", "Balinese", "OlChiki", "MeeteiMayek", "Adlam", "Cham",
    "Sundanese",
]
# fmt: on
NOTO_REGULAR = ["Syriac", "NKo", "Tifinagh", "Mongolian", "Runic", "Ogham", "Gothic", "OldItalic", "Math", "Symbols2"]
CJK = "NotoSansCJK-Bold.ttc"
FONTS = (
    Source("DejaVuSans-Bold.ttf", "Sans", "DejaVuSans-Bold.ttf"),
    Source("NotoSans-Bold.ttf", "Latin", "NotoSans-Bold.ttf"),
    *(Source(f"NotoSans{name}-Bold.ttf", name, f"NotoSans{name}-Bold.ttf") for name in NOTO),
    Source("NotoSerifTibetan-Bold.ttf", "Tibetan", "NotoSerifTibetan-Bold.ttf"),
    *(Source(f"NotoSans{name}-Regular.ttf", name, f"NotoSans{name}-Regular.ttf") for name in NOTO_REGULAR),
    Source(CJK, "Hangul", "NotoSansCJK-Hangul-Bold.otf"),
    Source(CJK, "Han", "NotoSansCJK-Han-Bold.otf"),
    Source("DroidSansFallbackFull.ttf", "Rare Han", "DroidSansFallbackFull.ttf"),
    Source("NotoSansSymbols-Bold.ttf", "Symbols", "NotoSansSymbols-Bold.ttf"),
    Source("NotoEmoji_700Bold.ttf", "Emoji", "NotoEmoji-Bold.ttf"),
)


def common_han() -> Iterator[int]:
    """Yield the characters of the national standards of Japan, China, Taiwan and Korea."""
    for codec in ("euc_jp", "gb2312", "big5", "euc_kr"):
        for high in range(0xA1, 0xFF):
            for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
                if codec == "big5" and high > 0xC6:  # its second level, which is rare
                    continue
                character = bytes([high, low]).decode(codec, "replace")
                if len(character) == 1 and script(character) == "Hani":
                    yield ord(character)


def kept(family: str, code_points: Collection[int], earlier: Collection[int]) -> set[int]:
    """Return the code points that a font keeps, given those that the fonts before it have."""
    match family:
        case "Sans":
            return {each for each in code_points if script(chr(each)) not in IN_FONTS_OF_THEIR_OWN}
        case "Latin":
            return set(code_points).difference(earlier)
        case "Hangul":
            return HANGUL.intersection(code_points)
        case "Han":
            return {*KANA, *common_han()}.intersection(code_points)
        case "Rare Han":
            return set(code_points).difference(range(0x2E80), HANGUL, earlier)
        case "Math":
            return FANCY_LETTERS.intersection(code_points)
        case _:
            return set(code_points)


def opened(file: Path) -> TTFont:
    """Open a font. Of a collection, it is the one for Japanese."""
    if file.suffix != ".ttc":
        return TTFont(file)
    return next(font for font in TTCollection(file).fonts if "CJK JP" in font["name"].getDebugName(1))


def build(source: Source, folder: Path, earlier: Collection[int]) -> set[int]:
    """Write a packaged font. Returns its code points."""
    (file,) = folder.rglob(source.file)
    font = opened(file)
    font.recalcTimestamp = False  # the same sources result in the same files
    # Without the layout of vertical text and historical forms, the fonts of Chinese are half as large.
    features = ["ccmp", "ljmo", "vjmo", "tjmo", "mark", "mkmk", "kern"] if source.file == CJK else ["*"]
    options = Options(
        layout_features=features, hinting=False, glyph_names=False, name_IDs=[*KEPT_NAMES], notdef_outline=True
    )
    options.drop_tables += UNUSED_TABLES
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=kept(source.family, font.getBestCmap(), earlier))
    subsetter.subset(font)
    name = f"{PREFIX} {source.family}"
    style = "Bold" if font["OS/2"].usWeightClass >= 700 else "Regular"
    names = {1: name, 2: style, 3: f"{name} {style}", 4: f"{name} {style}", 6: f"{name}-{style}".replace(" ", "")}
    for id_, value in names.items():
        font["name"].setName(value, id_, 3, 1, 0x409)
    font.save(FOLDER / source.target)
    return set(font.getBestCmap())


if __name__ == "__main__":
    done: set[int] = set()
    for each in FONTS:
        done |= build(each, Path(sys.argv[1]), done)
        print(f"{(FOLDER / each.target).stat().st_size:>10,} {each.target}")
    print(f"{sum((FOLDER / each.target).stat().st_size for each in FONTS):>10,} bytes in {len(FONTS)} fonts")
