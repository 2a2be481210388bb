"""Clothing around the shoulders, by profession; coordinates as in `head`."""

from __future__ import annotations

from math import cos, pi, sin

from getimg_standin.art import svg
from getimg_standin.art.portrait.tones import darker, lighter
from getimg_standin.art.portrait.traits import Traits
from getimg_standin.art.themes import Theme

_SHOULDERS = (
    "M-130 -322C-240 -290 -370 -262 -420 -170C-452 -100 -462 -40 -468 20L468 20"
    "C462 -40 452 -100 420 -170C370 -262 240 -290 130 -322L0 -180Z"
)


def definitions(traits: Traits, theme: Theme) -> list[str]:
    """Gradients of cloth, leather and metal."""
    side = 'x1="0" y1="0" x2="1" y2="0.6"'
    low, middle, high = theme.trim
    return [
        svg.linear("cloth", [lighter(traits.cloth, 0.2), traits.cloth, darker(traits.cloth, 0.45)], side),
        svg.linear("cloth2", [lighter(traits.second_cloth, 0.18), darker(traits.second_cloth, 0.4)], side),
        svg.linear("leather", [lighter(theme.leather, 0.18), darker(theme.leather, 0.4)], side),
        svg.linear(
            "steel", [theme.metal[1], lighter(theme.metal[1], 0.5), theme.metal[0], darker(theme.metal[0], 0.4)], side
        ),
        svg.linear("trim", [high, middle, low], side),
        svg.glow("jewel", theme.magic, 0.9),
    ]


def dress(traits: Traits, theme: Theme) -> str:
    """Shoulders and chest, from the neck to the lower edge."""
    base = svg.shape(_SHOULDERS, "url(#cloth)") + _folds(traits)
    match traits.profession:
        case "fighter":
            return _armor(traits, theme)
        case "wizard" | "cleric":
            return base + _robe(traits, theme)
        case "rogue" | "ranger":
            return base + _cloak(traits, theme)
        case "cowboy":
            return base + _vest(traits, theme)
        case "bard":
            return base + _ruff(theme)
        case "barbarian":
            return base + _fur(theme)
        case "runner" | "pilot":
            return base + _suit(traits, theme)
    return base + _coat(traits, theme)


def _folds(traits: Traits) -> str:
    shade = darker(traits.cloth, 0.6)
    lines = (
        "M-250 -270Q-300 -150 -290 20",
        "M250 -270Q310 -150 300 20",
        "M-160 -250Q-190 -120 -170 20",
        "M170 -250Q200 -120 180 20",
    )
    return "".join(svg.stroke(line, shade, 9, 'opacity="0.3"') for line in lines)


def _armor(traits: Traits, theme: Theme) -> str:
    edge = f'stroke="{darker(theme.metal[0], 0.6)}" stroke-width="4"'
    cape = svg.shape("M-200 -300C-380 -290 -480 -180 -500 20L500 20C480 -180 380 -290 200 -300Z", "url(#cloth)")
    plate = svg.shape(
        "M-230 -270C-180 -230 -80 -250 0 -210C80 -250 180 -230 230 -270C290 -160 270 -60 280 20"
        "L-280 20C-270 -60 -290 -160 -230 -270Z",
        "url(#steel)",
        edge,
    )
    ridge = svg.stroke("M0 -208L0 20", darker(theme.metal[0], 0.4), 4, 'opacity="0.7"') + svg.stroke(
        "M-210 -180Q-100 -110 0 -150Q100 -110 210 -180", "url(#trim)", 9
    )
    gorget = svg.shape(
        "M-104 -362C-60 -330 60 -330 104 -362L150 -268C80 -214 -80 -214 -150 -268Z", "url(#steel)", edge
    ) + svg.stroke("M-104 -362C-60 -330 60 -330 104 -362", "url(#trim)", 9)
    emblem = (
        svg.circle(0, -80, 44, "url(#trim)", edge)
        + svg.circle(0, -80, 27, traits.cloth)
        + svg.shape("M0 -106L8 -84L24 -80L8 -74L0 -54L-8 -74L-24 -80L-8 -84Z", "url(#trim)")
    )
    return cape + plate + ridge + _pauldrons(edge) + gorget + emblem


def _pauldrons(edge: str) -> str:
    pauldrons = []
    for side in (-1, 1):
        for step in range(3):
            y = -262 + step * 62
            reach = 330 + step * 42
            pauldrons.append(
                svg.shape(
                    f"M{side * 170} {y - 18}C{side * 230} {y - 62} {side * (reach - 30)} {y - 50} "
                    f"{side * reach} {y + 46}C{side * (reach - 60)} {y + 60} {side * 240} "
                    f"{y + 58} {side * 176} {y + 50}Z",
                    "url(#steel)",
                    edge,
                )
            )
            pauldrons.append(
                svg.stroke(
                    f"M{side * 178} {y + 44}C{side * 240} {y + 52} {side * (reach - 60)} {y + 54} "
                    f"{side * (reach - 4)} {y + 42}",
                    "url(#trim)",
                    6,
                )
            )
    return "".join(reversed(pauldrons))


def _robe(traits: Traits, theme: Theme) -> str:
    collar = "".join(
        svg.shape(
            f"M{side * 58} -372C{side * 120} -400 {side * 168} -404 {side * 196} -392"
            f"C{side * 190} -300 {side * 110} -230 0 -150L0 -210"
            f"C{side * 56} -270 {side * 76} -320 {side * 58} -372Z",
            "url(#cloth2)",
        )
        + svg.stroke(f"M{side * 196} -392C{side * 190} -300 {side * 110} -230 0 -150", "url(#trim)", 8)
        for side in (-1, 1)
    )
    band = svg.box(-34, -152, 68, 180, "url(#cloth2)") + svg.stroke("M-34 -130L-34 20M34 -130L34 20", "url(#trim)", 6)
    stars = "".join(
        svg.at(x, y, svg.shape("M0 -16L4 -4L16 0L4 4L0 16L-4 4L-16 0L-4 -4Z", "url(#trim)"))
        for x, y in ((-250, -150), (260, -160), (-330, -60), (340, -70), (-170, -50), (180, -40))
    )
    clasp = (
        svg.circle(0, -150, 54, "url(#jewel)")
        + svg.circle(0, -150, 25, "url(#trim)")
        + svg.circle(0, -150, 15, theme.magic)
        + svg.circle(-5, -155, 5, "#fff")
    )
    return band + collar + (stars if traits.profession == "wizard" else "") + clasp


def _cloak(traits: Traits, theme: Theme) -> str:
    tunic = svg.shape("M-130 -310L0 -150L130 -310L190 20L-190 20Z", "url(#cloth2)") + svg.shape(
        "M-52 -336L0 -196L52 -336L30 -344L0 -300L-30 -344Z", darker(traits.second_cloth, 0.5)
    )
    flaps = "".join(
        svg.shape(
            f"M{side * 96} -350C{side * 230} -330 {side * 400} -280 {side * 430} -160"
            f"L{side * 468} 20L{side * 150} 20C{side * 190} -120 {side * 170} -240 {side * 96} "
            "-350Z",
            "url(#cloth)",
        )
        for side in (-1, 1)
    )
    strap = svg.stroke("M-230 -230L150 20", "url(#leather)", 34) + svg.stroke(
        "M-230 -230L150 20", lighter(theme.leather, 0.3), 2, 'stroke-dasharray="9 7" opacity="0.7"'
    )
    clasp = svg.circle(0, -292, 24, "url(#trim)", 'stroke="#000" stroke-opacity="0.4" stroke-width="3"') + svg.circle(
        0, -292, 11, theme.magic
    )
    chain = svg.stroke("M-92 -330Q0 -250 92 -330", "url(#trim)", 9)
    return tunic + strap + flaps + chain + clasp


def _vest(traits: Traits, theme: Theme) -> str:
    shirt = svg.shape("M-120 -322L0 -160L120 -322L150 20L-150 20Z", lighter(traits.second_cloth, 0.62))
    buttons = "".join(svg.circle(0, y, 7, "url(#trim)") for y in (-130, -80, -30))
    vest = "".join(
        svg.shape(
            f"M{side * 110} -320C{side * 200} -300 {side * 250} -260 {side * 262} -200"
            f"L{side * 240} 20L{side * 40} 20C{side * 60} -120 {side * 60} -220 {side * 110} -320Z",
            "url(#leather)",
        )
        for side in (-1, 1)
    )
    scarf = svg.shape(
        "M-118 -372C-60 -330 60 -330 118 -372L140 -300C80 -250 40 -216 0 -190C-40 -216 -80 -250 -140 -300Z",
        "url(#cloth2)",
    ) + svg.stroke(
        "M-96 -330Q0 -270 96 -330M-70 -296Q0 -246 70 -296", darker(traits.second_cloth, 0.6), 6, 'opacity="0.5"'
    )
    points = " ".join(
        f"L{38 * (1 if index % 2 else 0.45) * x:.0f} {38 * (1 if index % 2 else 0.45) * y:.0f}"
        for index, (x, y) in enumerate(_ring(10))
    )
    star = svg.at(
        -172,
        -140,
        svg.shape("M" + points[1:] + "Z", "url(#trim)", 'stroke="#000" stroke-opacity="0.4" stroke-width="2"'),
    )
    return shirt + buttons + vest + scarf + star


def _ring(count: int) -> list[tuple[float, float]]:
    return [
        (cos(2 * pi * index / count - pi / 2 - pi / 5), sin(2 * pi * index / count - pi / 2 - pi / 5))
        for index in range(count)
    ]


def _ruff(theme: Theme) -> str:
    frills = "".join(
        svg.ellipse(
            x, -318 + abs(x) * -0.12, 30, 46, theme.light, 'stroke="#000" stroke-opacity="0.15" stroke-width="3"'
        )
        for x in range(-132, 133, 33)
    )
    laces = svg.stroke("M-30 -230L30 -170M30 -230L-30 -170M-30 -150L30 -90M30 -150L-30 -90", "url(#trim)", 7)
    return laces + frills


def _fur(theme: Theme) -> str:
    tufts = []
    for index in range(22):
        part = index / 21 * 2 - 1
        x, y = part * 400, -330 + abs(part) ** 1.6 * 150
        fur = darker(theme.leather, 0.15) if index % 2 else lighter(theme.leather, 0.12)
        tufts.append(
            svg.shape(
                f"M{x - 44:.0f} {y - 6:.0f}Q{x:.0f} {y - 62:.0f} {x + 44:.0f} {y - 6:.0f}"
                f"Q{x + 22:.0f} {y + 20:.0f} {x + 16:.0f} {y + 76:.0f}"
                f"Q{x:.0f} {y + 36:.0f} {x - 8:.0f} {y + 88:.0f}"
                f"Q{x - 20:.0f} {y + 30:.0f} {x - 44:.0f} {y - 6:.0f}Z",
                fur,
            )
        )
    tooth = "".join(
        svg.shape(f"M{x - 9} -200L{x + 9} -200L{x} -{158 - abs(x) * 0.2:.0f}Z", "#efe6cf")
        for x in (-60, -30, 0, 30, 60)
    )
    return svg.stroke("M-150 -300Q0 -130 150 -300", theme.leather, 8) + tooth + "".join(tufts)


def _suit(traits: Traits, theme: Theme) -> str:
    panels = svg.shape("M-110 -326L0 -190L110 -326L170 20L-170 20Z", darker(traits.cloth, 0.5))
    lapels = "".join(
        svg.shape(
            f"M{side * 70} -396C{side * 130} -420 {side * 170} -400 {side * 190} -360"
            f"L{side * 120} -160L{side * 90} 20L{side * 30} 20L{side * 24} -150"
            f"C{side * 90} -240 {side * 100} -320 {side * 70} -396Z",
            "url(#cloth2)",
        )
        for side in (-1, 1)
    )
    neon = "".join(
        svg.stroke(f"M{side * 190} -360L{side * 120} -160L{side * 90} 20", theme.glow, width, f'opacity="{opacity}"')
        for side in (-1, 1)
        for width, opacity in ((16, 0.25), (5, 1))
    )
    seams = "".join(
        svg.stroke(
            f"M{side * 250} -276C{side * 300} -200 {side * 320} -100 {side * 316} 20",
            theme.magic,
            width,
            f'opacity="{opacity}"',
        )
        for side in (-1, 1)
        for width, opacity in ((13, 0.2), (3.4, 0.9))
    )
    core = (
        svg.circle(0, -96, 62, "url(#jewel)")
        + svg.circle(0, -96, 26, "url(#steel)")
        + svg.circle(0, -96, 15, theme.magic)
    )
    return panels + seams + lapels + neon + (core if traits.profession == "pilot" else "")


def _coat(traits: Traits, theme: Theme) -> str:
    shirt = svg.shape("M-110 -322L0 -160L110 -322L120 20L-120 20Z", lighter(theme.light, 0.25))
    waistcoat = svg.shape("M-100 -270L0 -120L100 -270L130 20L-130 20Z", "url(#cloth2)") + "".join(
        svg.circle(14, y, 7, "url(#trim)") for y in (-90, -45, 0)
    )
    tie = svg.shape("M-66 -318Q0 -286 66 -318L80 -268Q0 -250 -80 -268Z", darker(traits.cloth, 0.15)) + svg.shape(
        "M-22 -284L22 -284L36 -190L0 -150L-36 -190Z", darker(traits.cloth, 0.05)
    )
    pin = svg.circle(0, -270, 17, "url(#trim)") + svg.circle(0, -270, 9, theme.magic)
    lapels = "".join(
        svg.shape(
            f"M{side * 88} -352C{side * 150} -366 {side * 196} -340 {side * 214} -300"
            f"L{side * 236} -210L{side * 176} -180L{side * 200} -150L{side * 90} 20L{side * 60} 20"
            f"C{side * 110} -140 {side * 120} -250 {side * 88} -352Z",
            "url(#leather)",
        )
        for side in (-1, 1)
    )
    chain = svg.stroke("M60 -60Q110 0 160 -70", "url(#trim)", 6)
    return shirt + waistcoat + tie + pin + lapels + chain
