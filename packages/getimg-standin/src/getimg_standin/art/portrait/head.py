"""Faces. The origin is the center of the bottom edge, y points down, the chin is at -395."""

from __future__ import annotations

from getimg_standin.art import svg
from getimg_standin.art.portrait.tones import blended, darker, lighter
from getimg_standin.art.portrait.traits import Traits
from getimg_standin.art.themes import Theme


def definitions(traits: Traits, theme: Theme) -> list[str]:
    """Gradients, and the outline that clips the shading of the face."""
    skin = traits.skin
    side = 'x1="0" y1="0" x2="1" y2="0.25"'
    return [
        svg.linear("skin", [lighter(skin, 0.22), skin, darker(skin, 0.3)], side),
        svg.linear("neck", [darker(skin, 0.42), darker(skin, 0.18)]),
        svg.radial("iris", [lighter(traits.eyes, 0.45), traits.eyes, darker(traits.eyes, 0.5)]),
        svg.glow("blush", blended(skin, "#d8503c", 0.55), 0.5),
        svg.glow("lens", theme.magic, 1.0),
        f'<clipPath id="face"><path d="{_outline(traits.jaw)}"/></clipPath>',
    ]


def head(traits: Traits, theme: Theme) -> str:
    """Ears and face, without hair."""
    if traits.species == "robot":
        return _robot(traits, theme)
    parts = [_ears(traits), svg.shape(_outline(traits.jaw), "url(#skin)"), _shading(traits)]
    parts += [_eye(traits, side) for side in (-1, 1)]
    parts += [_brow(traits, side) for side in (-1, 1)]
    parts += [_nose(traits), _mouth(traits), _marks(traits)]
    return "".join(parts)


def _outline(jaw: float) -> str:
    wide, low = 128 * (0.6 + 0.4 * jaw), 84 * jaw
    right = (
        f"C88 -742 {wide:.0f} -690 {wide:.0f} -596C{wide:.0f} -520 {wide * 0.93:.0f} -474 {low:.0f} "
        f"-430C{low * 0.66:.0f} -402 {low * 0.34:.0f} -393 0 -393"
    )
    left = (
        f"C{-low * 0.34:.0f} -393 {-low * 0.66:.0f} -402 {-low:.0f} -430"
        f"C{-wide * 0.93:.0f} -474 {-wide:.0f} -520 {-wide:.0f} -596C{-wide:.0f} -690 -88 -742 0 -742Z"
    )
    return f"M0 -742{right}{left}"


def neck(traits: Traits) -> str:
    """Neck and throat."""
    half = 56 * traits.jaw
    return svg.shape(
        f"M{-half:.0f} -480L{half:.0f} -480C{half:.0f} -390 {half * 1.1:.0f} -345 "
        f"{half * 2.1:.0f} -318L0 -190L{-half * 2.1:.0f} -318"
        f"C{-half * 1.1:.0f} -345 {-half:.0f} -390 {-half:.0f} -480Z",
        "url(#neck)",
    )


def _ears(traits: Traits) -> str:
    skin, inner = traits.skin, darker(traits.skin, 0.32)
    wide = 128 * (0.6 + 0.4 * traits.jaw)
    parts = []
    for side in (-1, 1):
        edge = side * (wide - 6)
        if traits.species in ("elf", "tiefling", "orc", "alien"):
            reach = {"elf": 108, "tiefling": 70, "orc": 62, "alien": 56}[traits.species]
            tip_x, tip_y = edge + side * reach, -660 if traits.species == "elf" else -622
            shell = (
                f"M{edge} -622C{edge + side * 34} -640 {tip_x - side * 30} {tip_y + 8} {tip_x} {tip_y}"
                f"C{tip_x - side * 18} {tip_y + 62} {edge + side * 40} -530 {edge} -528Z"
            )
            fold = (
                f"M{edge} -600C{edge + side * 28} -612 {tip_x - side * 44} {tip_y + 24} "
                f"{tip_x - side * 20} {tip_y + 16}C{tip_x - side * 34} {tip_y + 58} "
                f"{edge + side * 26} -552 {edge} -548Z"
            )
            parts.append(
                svg.shape(shell, skin if side < 0 else darker(skin, 0.2)) + svg.shape(fold, inner, 'opacity="0.55"')
            )
        else:
            parts.append(svg.ellipse(edge + side * 8, -575, 22, 40, skin if side < 0 else darker(skin, 0.25)))
            parts.append(svg.ellipse(edge + side * 9, -575, 11, 25, inner, 'opacity="0.5"'))
    return "".join(parts)


def _shading(traits: Traits) -> str:
    shade = darker(traits.skin, 0.5)
    half = "M30 -760C70 -640 46 -600 40 -560C34 -500 62 -470 20 -380L220 -380L220 -760Z"
    sockets = "".join(svg.ellipse(side * 56, -590, 44, 24, shade, 'opacity="0.2"') for side in (-1, 1))
    cheeks = "".join(svg.ellipse(side * 74, -515, 46, 32, "url(#blush)") for side in (-1, 1))
    chin = svg.ellipse(0, -404, 40, 13, lighter(traits.skin, 0.3), 'opacity="0.25"')
    under_lip = svg.ellipse(0, -436, 24, 7, shade, 'opacity="0.2"')
    forehead = svg.ellipse(-34, -672, 58, 36, lighter(traits.skin, 0.5), 'opacity="0.22"')
    body = [svg.shape(half, shade, 'opacity="0.2"'), sockets, cheeks, chin, under_lip, forehead]
    return svg.group(body, 'clip-path="url(#face)"')


def _eye(traits: Traits, side: int) -> str:
    x, y = side * 56, -578
    name = "right" if side > 0 else "left"
    opening = 19 if traits.feminine else 16
    if traits.species == "alien":
        dark = svg.ellipse(x, y, 36, 25, "#15202a", f'transform="rotate({side * -14} {x} {y})"')
        return dark + svg.ellipse(x - 9, y - 8, 9, 6, "#dff6ff", 'opacity="0.85"')
    almond = (
        f"M{x - 33} {y + 3}C{x - 17} {y - opening} {x + 15} {y - opening} {x + 33} {y + 1 - side * 2}"
        f"C{x + 16} {y + 15} {x - 16} {y + 16} {x - 33} {y + 3}Z"
    )
    lid = f"M{x - 34} {y + 3}C{x - 17} {y - opening - 1} {x + 15} {y - opening - 1} {x + 34} {y + 1 - side * 2}"
    crease = f"M{x - 28} {y - 12}C{x - 14} {y - opening - 12} {x + 13} {y - opening - 12} {x + 29} {y - 13}"
    white = {"undead": "#d8e6c8", "tiefling": "#f4e6a8"}.get(traits.species, "#f4efe8")
    inside = [
        svg.shape(almond, white),
        svg.circle(x, y - 1, 15.5, "url(#iris)"),
        svg.circle(x, y - 1, 7, "#120d12"),
        svg.circle(x - 5, y - 6, 4.2, "#ffffff"),
        svg.shape(
            f"M{x - 36} {y - 26}L{x + 36} {y - 26}L{x + 36} {y - 7}L{x - 36} {y - 7}Z", "#20141c", 'opacity="0.25"'
        ),
    ]
    clip = f'<clipPath id="{name}eye"><path d="{almond}"/></clipPath>'
    line = darker(traits.skin, 0.75)
    lashes = ""
    if traits.feminine:
        corner = x + side * 33
        lashes = svg.stroke(f"M{corner} {y}l{side * 9} -8M{corner - side * 6} {y - 7}l{side * 7} -9", line, 3.4)
    return (
        clip
        + svg.group(inside, f'clip-path="url(#{name}eye)"')
        + svg.stroke(lid, line, 5.0)
        + lashes
        + svg.stroke(crease, darker(traits.skin, 0.45), 2.2, 'opacity="0.6"')
        + svg.stroke(
            f"M{x - 24} {y + 19}Q{x} {y + 26} {x + 22} {y + 18}", darker(traits.skin, 0.4), 1.8, 'opacity="0.4"'
        )
    )


def _brow(traits: Traits, side: int) -> str:
    if traits.species == "alien":
        return ""
    color = darker(traits.hair, 0.25) if traits.hair_style != "bald" else darker(traits.skin, 0.62)
    inner, outer = side * 24, side * 98
    lift = 6 if traits.feminine else 0
    return svg.stroke(
        f"M{inner} {-612 - lift / 2:.0f}Q{side * 62} {-633 - lift:.0f} {outer} {-609 - lift / 2:.0f}",
        color,
        8.5 * traits.brow,
    )


def _nose(traits: Traits) -> str:
    shade = darker(traits.skin, 0.5)
    width = {"orc": 34, "dwarf": 32, "elf": 20, "alien": 14}.get(traits.species, 24 if traits.feminine else 27)
    side = svg.shape(
        f"M4 -590C12 -550 {width + 3} -520 {width} -505C{width - 4} -494 10 -492 2 -494C10 -520 4 -560 4 -590Z",
        shade,
        'opacity="0.24"',
    )
    bridge = svg.stroke("M-7 -585C-9 -555 -10 -535 -9 -520", lighter(traits.skin, 0.5), 5, 'opacity="0.35"')
    base = svg.stroke(
        f"M{-width} -503Q{-width * 0.6:.0f} -493 {-width * 0.35:.0f} -496"
        f"Q0 -486 {width * 0.35:.0f} -496Q{width * 0.6:.0f} -493 {width} -503",
        shade,
        3.6,
        'opacity="0.75"',
    )
    return side + bridge + base


def _mouth(traits: Traits) -> str:
    lip = blended(traits.skin, "#a03a3a", 0.42 if traits.feminine else 0.26)
    curve = 4 + 11 * traits.smile
    upper = (
        f"M-42 {-456 - curve * 0.3:.0f}Q-20 -466 -8 -465Q0 -462 8 -465"
        f"Q20 -466 42 {-456 - curve * 0.3:.0f}Q0 {-456 + curve * 0.5:.0f} -42 {-456 - curve * 0.3:.0f}"
        "Z"
    )
    lower = (
        f"M-38 {-455 - curve * 0.3:.0f}Q0 {-456 + curve * 0.5:.0f} 38 {-455 - curve * 0.3:.0f}"
        f"Q22 {-440 + curve * 0.3:.0f} 0 {-438 + curve * 0.3:.0f}"
        f"Q-22 {-440 + curve * 0.3:.0f} -38 {-455 - curve * 0.3:.0f}Z"
    )
    line = svg.stroke(
        f"M-44 {-457 - curve * 0.3:.0f}Q0 {-455 + curve * 0.5:.0f} 44 {-457 - curve * 0.3:.0f}",
        darker(traits.skin, 0.66),
        3.2,
    )
    shapes = svg.shape(upper, darker(lip, 0.16)) + svg.shape(
        lower, lighter(lip, 0.1), f'opacity="{0.9 if traits.feminine else 0.55}"'
    )
    if traits.species != "orc":
        return shapes + line
    tusks = "".join(
        svg.shape(
            f"M{side * 22} -446Q{side * 27} -490 {side * 40} -497Q{side * 43} -468 {side * 36} -444Z",
            "#efe6cf",
            'stroke="#5a4a35" stroke-width="1.5"',
        )
        for side in (-1, 1)
    )
    return shapes + line + tusks


def _marks(traits: Traits) -> str:
    parts = []
    if traits.scar:
        parts.append(svg.stroke("M-84 -640L-62 -560L-70 -520", lighter(traits.skin, 0.45), 4.5, 'opacity="0.6"'))
    if traits.species == "alien":
        parts += [
            svg.circle(x, y, r, darker(traits.skin, 0.3), 'opacity="0.45"')
            for x, y, r in ((-52, -690, 9), (-22, -708, 12), (20, -706, 9), (50, -690, 11), (0, -682, 7))
        ]
    if traits.species == "tiefling":
        for side in (-1, 1):
            horn = (
                f"M{side * 50} -712C{side * 78} -800 {side * 150} -806 {side * 168} -740"
                f"C{side * 176} -700 {side * 150} -690 {side * 152} -702"
                f"C{side * 148} -752 {side * 116} -748 {side * 102} -690Z"
            )
            parts.append(svg.shape(horn, "#3b2a2c", 'stroke="#1d1416" stroke-width="2"'))
            parts.append(
                svg.stroke(
                    f"M{side * 70} -722C{side * 92} -778 {side * 134} -786 {side * 150} -746",
                    "#8a6a5c",
                    4,
                    'opacity="0.6"',
                )
            )
    return "".join(parts)


def _robot(traits: Traits, theme: Theme) -> str:
    skin = traits.skin
    line = darker(skin, 0.6)
    edge = f'stroke="{line}" stroke-width="3"'
    ears = "".join(
        svg.box(side * 138 - 20, -620, 40, 84, darker(skin, 0.25), f'rx="12" {edge}')
        + svg.circle(side * 138, -578, 12, theme.magic)
        for side in (-1, 1)
    )
    plate = svg.shape(_outline(1.0), "url(#skin)", edge)
    seams = svg.stroke(
        "M0 -742L0 -640M-126 -640Q0 -610 126 -640M-96 -470L-60 -500L60 -500L96 -470M-60 -500L-44 -400M60 -500L44 -400",
        line,
        3,
        'opacity="0.7"',
    )
    visor = svg.shape("M-104 -608Q0 -636 104 -608L98 -556Q0 -538 -98 -556Z", darker(skin, 0.8))
    eyes = "".join(
        svg.circle(x, -581, 40, "url(#lens)")
        + svg.circle(x, -581, 15, theme.magic)
        + svg.circle(x - 4, -586, 5, "#ffffff")
        for x in (-50, 50)
    )
    grille = "".join(svg.box(x, -470, 8, 34, darker(skin, 0.7), 'rx="4"') for x in range(-36, 37, 16))
    bolts = "".join(
        svg.circle(x, y, 5, lighter(skin, 0.4), edge) for x, y in ((-104, -520), (104, -520), (-70, -690), (70, -690))
    )
    shade = svg.group(
        [svg.shape("M40 -760C60 -640 46 -560 40 -380L220 -380L220 -760Z", "#0c0a18", 'opacity="0.22"')],
        'clip-path="url(#face)"',
    )
    return ears + plate + seams + visor + eyes + grille + bolts + shade
