"""Hair behind and in front of the face, and beards; coordinates as in `head`."""

from __future__ import annotations

from getimg_standin.art import svg
from getimg_standin.art.portrait.tones import darker, lighter
from getimg_standin.art.portrait.traits import Traits

_COVERING = ("hood", "helmet", "wizard")


def definitions(traits: Traits) -> list[str]:
    """The hair's gradients."""
    side = 'x1="0" y1="0" x2="1" y2="0.4"'
    return [
        svg.linear("hair", [lighter(traits.hair, 0.22), traits.hair, darker(traits.hair, 0.4)], side),
        svg.linear("hairback", [darker(traits.hair, 0.3), darker(traits.hair, 0.6)]),
    ]


def behind(traits: Traits) -> str:
    """The hair behind the head and neck."""
    match traits.hair_style:
        case "long":
            return svg.shape(
                "M-140 -640C-190 -520 -176 -380 -196 -250C-120 -210 120 -210 196 -250"
                "C176 -380 190 -520 140 -640C90 -760 -90 -760 -140 -640Z",
                "url(#hairback)",
            )
        case "wavy":
            return svg.shape(
                "M-138 -650C-220 -590 -170 -500 -214 -430C-240 -370 -180 -330 -218 -250"
                "C-150 -180 150 -180 218 -250C180 -330 240 -370 214 -430"
                "C170 -500 220 -590 138 -650C90 -760 -90 -760 -138 -650Z",
                "url(#hairback)",
            )
        case "bob":
            return svg.shape(
                "M-140 -640C-176 -540 -168 -450 -150 -400C-100 -370 100 -370 150 -400"
                "C168 -450 176 -540 140 -640C90 -760 -90 -760 -140 -640Z",
                "url(#hairback)",
            )
        case "bun":
            knot = (
                svg.circle(0, -806, 58, "url(#hairback)")
                if traits.headgear in ("none", "circlet", "goggles", "visor")
                else ""
            )
            return knot + svg.shape("M-134 -560C-150 -700 -80 -770 0 -770C80 -770 150 -700 134 -560Z", "url(#hairback)")
        case "short" | "swept":
            return svg.shape("M-136 -540C-156 -690 -86 -770 0 -770C86 -770 156 -690 136 -540Z", "url(#hairback)")
    return ""


def front(traits: Traits) -> str:
    """The hair around the forehead."""
    if traits.hair_style == "bald":
        return ""
    shine = svg.stroke("M-86 -712Q-40 -752 20 -752", lighter(traits.hair, 0.5), 9, 'opacity="0.28"')
    if traits.headgear in _COVERING:
        shine = ""
    match traits.hair_style:
        case "short":
            body = (
                "M-136 -572C-142 -640 -138 -680 -112 -716C-70 -792 70 -796 114 -718"
                "C138 -680 142 -640 136 -572C124 -600 122 -640 104 -664C60 -668 -20 -650 -70 -690"
                "C-96 -668 -122 -630 -136 -572Z"
            )
        case "swept":
            body = (
                "M-136 -566C-146 -650 -136 -700 -100 -742C-40 -806 90 -804 124 -724"
                "C146 -680 142 -630 136 -566C126 -620 110 -652 84 -682C20 -640 -70 -650 -110 -668"
                "C-124 -640 -132 -600 -136 -566Z"
            )
        case "bob":
            body = (
                "M-152 -420C-176 -560 -160 -690 -90 -748C-40 -780 40 -780 90 -748"
                "C160 -690 176 -560 152 -420C132 -440 124 -520 118 -620C60 -690 -60 -690 -118 -620"
                "C-124 -520 -132 -440 -152 -420Z"
            )
        case "bun":
            body = (
                "M-136 -560C-146 -660 -110 -760 0 -766C110 -760 146 -660 136 -560"
                "C124 -630 90 -690 0 -704C-90 -690 -124 -630 -136 -560Z"
            )
        case _:
            body = (
                "M-150 -400C-176 -540 -164 -690 -92 -750C-40 -784 44 -784 94 -750"
                "C166 -690 178 -540 152 -400C138 -460 132 -560 116 -622C80 -650 34 -690 6 -724"
                "C-30 -680 -80 -650 -118 -616C-132 -560 -136 -460 -150 -400Z"
            )
    return svg.shape(body, "url(#hair)") + shine


def beard(traits: Traits) -> str:
    """The beard or mustache; empty for none."""
    mustache = svg.shape(
        "M0 -486C-26 -492 -52 -474 -66 -452C-44 -462 -20 -464 0 -468C20 -464 44 -462 66 -452C52 -474 26 -492 0 -486Z",
        darker(traits.hair, 0.35),
    )
    cheek = 118 * (0.6 + 0.4 * traits.jaw)
    left = f"M{-cheek:.0f} -560C{-cheek - 4:.0f} -480 {-cheek + 10:.0f} -430 -84 -392"
    right = (
        f"84 -392C{cheek - 10:.0f} -430 {cheek + 4:.0f} -480 {cheek:.0f} -560"
        f"C{cheek - 22:.0f} -500 70 -474 52 -462C30 -476 -30 -476 -52 -462"
        f"C-70 -474 {-cheek + 22:.0f} -500 {-cheek:.0f} -560Z"
    )
    lips = svg.shape("M-30 -452Q0 -444 30 -452Q0 -434 -30 -452Z", "#8a4a42", 'opacity="0.9"')
    match traits.beard:
        case "mustache":
            return mustache
        case "short":
            return svg.shape(f"{left}C-50 -366 50 -366 {right}", "url(#hair)", 'opacity="0.8"') + lips
        case "full":
            full = svg.shape(f"{left}C-70 -320 -30 -290 0 -286C30 -290 70 -320 {right}", "url(#hair)")
            return full + _strands(traits) + lips + mustache
        case "braided":
            full = svg.shape(f"{left}C-120 -300 -60 -200 0 -180C60 -200 120 -300 {right}", "url(#hair)")
            return full + _long_strands(traits) + _braids(traits) + lips + mustache
    return ""


def _strands(traits: Traits) -> str:
    light = lighter(traits.hair, 0.25)
    curves = (f"M{x} -430Q{x * 0.9:.0f} -380 {x * 0.6:.0f} -{340 - abs(x) * 0.3:.0f}" for x in (-60, -32, 0, 32, 60))
    return "".join(svg.stroke(curve, light, 3, 'opacity="0.3"') for curve in curves)


def _long_strands(traits: Traits) -> str:
    light = lighter(traits.hair, 0.25)
    curves = (f"M{x} -420Q{x * 1.1:.0f} -330 {x * 0.5:.0f} -230" for x in (-24, 0, 24))
    return "".join(svg.stroke(curve, light, 3.4, 'opacity="0.28"') for curve in curves)


def _braids(traits: Traits) -> str:
    outline = f'stroke="{darker(traits.hair, 0.35)}" stroke-width="3"'
    braids = []
    for x in (-62, 62):
        braids += [
            svg.ellipse(x * (1 - step * 0.03), -330 + step * 32, 21 - step, 19, "url(#hair)", outline)
            for step in range(6)
        ]
        ring = 'rx="4" stroke="#6b4a14" stroke-width="2"'
        braids.append(svg.box(x * 0.85 - 17, -150, 34, 17, "#d9a93c", ring))
    return "".join(braids)
