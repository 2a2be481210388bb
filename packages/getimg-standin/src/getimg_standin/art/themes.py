"""The colors of each theme."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from getimg_standin.art.brief import Brief


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """Colors as `#rrggbb`; tuples are ordered from dark to light by default."""

    name: str
    night: str
    deep: str
    main: str
    accent: str
    light: str
    glow: str
    """Lamps and fires."""
    magic: str
    """Supernatural and artificial light: runes, screens, potions."""

    floor: tuple[str, ...]
    floor_kind: str
    """flagstone, planks or plates."""
    wall: tuple[str, str, str]
    """Joint, face and lit edge."""
    rock: tuple[str, ...]
    """The ground around the rooms."""
    wood: tuple[str, str]
    metal: tuple[str, str]
    carpet: str
    ambient: str
    """Indoor light away from lamps."""

    ground: tuple[str, ...]
    path: str
    water: tuple[str, str]
    """Deep and shallow."""
    foliage: tuple[str, str, str]
    daylight: str

    paper: tuple[str, ...]
    """Land on a campaign map, from the coast upward."""
    ink: str
    sea: tuple[str, str]
    """Deep and shallow."""
    seal: str
    """Roofs, routes and ornaments on a campaign map."""

    sky: tuple[str, str, str]
    """Top to bottom."""
    cloth: tuple[str, ...]
    """Choices for garments, unordered."""
    leather: str
    trim: tuple[str, str, str]


_FANTASY = Theme(
    name="fantasy",
    night="#14161f", deep="#26365a", main="#4c7a5c", accent="#c99b4a", light="#f6e7b8",
    glow="#ffb347", magic="#69d2ff",
    floor=("#5b564c", "#7d766a", "#9c9484", "#b3aa97"), floor_kind="flagstone",
    wall=("#2b2723", "#6f665a", "#a39782"), rock=("#2a2521", "#3d3731", "#544c43"),
    wood=("#5a3a20", "#9b6b3c"), metal=("#5c6068", "#c9ced6"), carpet="#8c2a2a", ambient="#8f8798",
    ground=("#46602b", "#5d7d34", "#7a9a42", "#98b257"), path="#a98a5a",
    water=("#235f7d", "#5fb0b4"), foliage=("#1f4a26", "#35712f", "#74a544"), daylight="#fff6e2",
    paper=("#e9d8ac", "#dfc892", "#cfb177", "#b8965d"), ink="#4a3421",
    sea=("#7fa7a4", "#c4d2b4"), seal="#9c3526",
    sky=("#1f3b6b", "#6f8fb5", "#f0cf9a"),
    cloth=("#7a2230", "#2c4a7a", "#2f5d3a", "#5d3a72", "#7d5a22", "#3b4a5c"),
    leather="#5f3d22", trim=("#8a6420", "#d9a93c", "#fff0ae"),
)  # fmt: skip

_WESTERN = Theme(
    name="western",
    night="#241712", deep="#5c3a2a", main="#a7602f", accent="#e0a24a", light="#fbe6bd",
    glow="#ffbd59", magic="#ffd98a",
    floor=("#6a4526", "#8a5f35", "#a87a47", "#bd9060"), floor_kind="planks",
    wall=("#3a2415", "#7c5231", "#b98a58"), rock=("#7d5a38", "#96704a", "#ad885c"),
    wood=("#5d3a1d", "#a9743f"), metal=("#4b4a4c", "#b9b4ac"), carpet="#8d3b26", ambient="#b7a08c",
    ground=("#a5733f", "#bd8b50", "#d0a267", "#dfb980"), path="#e3c795",
    water=("#3c7a86", "#86bdb3"), foliage=("#3f5226", "#647a35", "#98a453"), daylight="#fff0d0",
    paper=("#ecd3a0", "#deb77b", "#c9945a", "#a86f42"), ink="#4c2a18",
    sea=("#84a69c", "#cfd0a8"), seal="#8b2f1f",
    sky=("#4a4a78", "#d9815a", "#ffd28a"),
    cloth=("#6b3a26", "#35475c", "#7c2f28", "#5b5a36", "#8a6a42", "#2f2f35"),
    leather="#6b4022", trim=("#6f6a60", "#b9b2a2", "#f4eedd"),
)  # fmt: skip

_CYBERPUNK = Theme(
    name="cyberpunk",
    night="#090a16", deep="#1b1640", main="#3a2a78", accent="#ff2e88", light="#9df6ff",
    glow="#27e0ff", magic="#ff3fa4",
    floor=("#242a38", "#2f3747", "#3c4658", "#4b576c"), floor_kind="plates",
    wall=("#0d0f1a", "#3d4460", "#7d88b5"), rock=("#0e1020", "#171a30", "#232848"),
    wood=("#2b2f3f", "#525a75"), metal=("#333a4d", "#93a1c4"), carpet="#8a1f6e", ambient="#a2a6c4",
    ground=("#22272f", "#2d333d", "#3a424d", "#47505d"), path="#56606e",
    water=("#0b3a52", "#17808c"), foliage=("#123f3b", "#1c6a58", "#44b98a"), daylight="#b8b4e0",
    paper=("#131a3a", "#1a2450", "#243069", "#344288"), ink="#53f0ff",
    sea=("#060815", "#0b1130"), seal="#ff3fa4",
    sky=("#0c0a24", "#3c1a63", "#d13a8a"),
    cloth=("#23263a", "#3a1f52", "#123c4c", "#4d1a3a", "#2c2f36", "#1d2b52"),
    leather="#20222c", trim=("#1b6f8a", "#27d3ff", "#d8fbff"),
)  # fmt: skip

_STEAMPUNK = Theme(
    name="steampunk",
    night="#1b1410", deep="#3f2c22", main="#7d5330", accent="#c98a3a", light="#f7dfa6",
    glow="#ffae45", magic="#8ff0c0",
    floor=("#54453a", "#6e5a49", "#87705a", "#9b856c"), floor_kind="plates",
    wall=("#2a1c13", "#7a5230", "#c9944f"), rock=("#281e19", "#3b2d25", "#523f32"),
    wood=("#4e2f1a", "#8e5d33"), metal=("#6f4a1e", "#e3b765"), carpet="#5c2230", ambient="#94826f",
    ground=("#55523a", "#6e6a48", "#88815a", "#9f966d"), path="#8d7a62",
    water=("#2f5a58", "#6fa39a"), foliage=("#33482b", "#566b38", "#8d9a55"), daylight="#ffe9c8",
    paper=("#e2c793", "#d0aa6f", "#b68950", "#946a3c"), ink="#3a2415",
    sea=("#7e9a8e", "#c2c49c"), seal="#7c3a1c",
    sky=("#3b2a2c", "#a5683f", "#f2c27c"),
    cloth=("#4b2e24", "#2f3f4a", "#5b2430", "#3f4a2f", "#6b4a2a", "#2c2a30"),
    leather="#5d371c", trim=("#7a4d18", "#d4963c", "#ffe3a0"),
)  # fmt: skip

_HORROR = Theme(
    name="horror",
    night="#0b0d0f", deep="#1c2426", main="#3d4a44", accent="#8c1f24", light="#cfd6c4",
    glow="#d98b4a", magic="#8fe06a",
    floor=("#37362f", "#4a4840", "#5e5b50", "#6d6a5d"), floor_kind="flagstone",
    wall=("#151514", "#45443e", "#77766a"), rock=("#171918", "#232725", "#323835"),
    wood=("#33261c", "#5e4a38"), metal=("#3d4042", "#868b8c"), carpet="#5a1518", ambient="#8b959e",
    ground=("#2b332a", "#394335", "#4a5341", "#5b624d"), path="#6a624f",
    water=("#12292b", "#35524a"), foliage=("#182420", "#2b3a30", "#4f5c48"), daylight="#d2dde6",
    paper=("#c9c2a8", "#aea68b", "#8d866d", "#6b6552"), ink="#241d1a",
    sea=("#4f5f5c", "#8a9280"), seal="#7d1a1c",
    sky=("#0d1318", "#2a3a40", "#7d8f80"),
    cloth=("#2a2226", "#3a1f22", "#24303a", "#30332c", "#1e1e24", "#423529"),
    leather="#33271f", trim=("#4d5050", "#94999a", "#dfe4dc"),
)  # fmt: skip

_SPACE_FANTASY = Theme(
    name="space_fantasy",
    night="#0a0a1f", deep="#241b54", main="#4a3f9c", accent="#f0b45a", light="#e6dcff",
    glow="#8ad8ff", magic="#c77dff",
    floor=("#55587a", "#6c7095", "#878cb0", "#a3a8c8"), floor_kind="plates",
    wall=("#171830", "#5b5f8c", "#b3b8e0"), rock=("#12122e", "#1d1e48", "#2c2d66"),
    wood=("#3f3a63", "#7a72a8"), metal=("#4d5478", "#c6cdf0"), carpet="#5a35b0", ambient="#a6a8d0",
    ground=("#3a3566", "#4f4a84", "#6a609e", "#8a7ab8"), path="#a79ac9",
    water=("#1d4a9c", "#58c4e0"), foliage=("#1c5a6a", "#2a8f8c", "#7adcb0"), daylight="#ded8ff",
    paper=("#2a2663", "#3a347d", "#51479a", "#7263b8"), ink="#ffd98a",
    sea=("#080a20", "#141742"), seal="#ff9d6a",
    sky=("#0b0b2a", "#3a2a7c", "#c07ad0"),
    cloth=("#2c2a6b", "#5a2a7a", "#1f4d74", "#6b2a5a", "#3a3f5c", "#27605f"),
    leather="#2f2a4a", trim=("#8a6a2a", "#f0c060", "#fff3c4"),
)  # fmt: skip

_THEMES: Mapping[str, Theme] = {
    theme.name: theme for theme in (_FANTASY, _WESTERN, _CYBERPUNK, _STEAMPUNK, _HORROR, _SPACE_FANTASY)
}

# Share of the color wheel; beyond it, skies and seas become unrecognizable.
_MAX_HUE_SHIFT = 0.09


def choose_theme(brief: Brief) -> Theme:
    """Return the theme that the prompt names, else a built-in one with hues shifted by the prompt's digest."""
    theme = _THEMES.get(brief.theme)
    if theme is not None:
        return theme
    base = list(_THEMES.values())[brief.mood % len(_THEMES)]
    return _hue_shifted(base, _MAX_HUE_SHIFT * ((brief.mood // 7 % 997) / 498.5 - 1))


def _hue_shifted(theme: Theme, shift: float) -> Theme:
    def color(code: str) -> str:
        red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
        hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
        shifted = colorsys.hls_to_rgb((hue + shift) % 1, lightness, saturation)
        return "#" + "".join(f"{round(part * 255):02x}" for part in shifted)

    def convert(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(convert(part) for part in value)
        return color(value) if isinstance(value, str) and value.startswith("#") else value

    changes = {name: convert(getattr(theme, name)) for name in Theme.__dataclass_fields__}
    return replace(theme, **changes)  # type: ignore[arg-type]
