"""Headgear, behind and in front of the head; coordinates as in `head`."""

from __future__ import annotations

from getimg_standin.art import svg
from getimg_standin.art.portrait.tones import darker, lighter
from getimg_standin.art.portrait.traits import Traits
from getimg_standin.art.themes import Theme


def behind(traits: Traits, theme: Theme) -> str:
    """The part behind the head."""
    match traits.headgear:
        case "hood":
            return svg.shape(
                "M0 -880C-150 -868 -226 -740 -222 -560C-220 -440 -230 -360 -270 -290L270 -290"
                "C230 -360 220 -440 222 -560C226 -740 150 -868 0 -880Z",
                darker(traits.cloth, 0.62),
            )
        case "brim":
            return svg.ellipse(0, -690, 268, 52, darker(theme.leather, 0.55))
        case "wizard":
            return svg.ellipse(0, -690, 290, 58, darker(traits.cloth, 0.6))
    return ""


def front(traits: Traits, theme: Theme) -> str:
    """The part in front of the hair."""
    match traits.headgear:
        case "hood":
            return _hood(traits)
        case "wizard":
            return _wizard_hat(traits, theme)
        case "brim":
            return _brimmed_hat(traits, theme)
        case "top":
            return _top_hat(traits, theme) + _goggles(theme, -716)
        case "goggles":
            return _goggles(theme, -690)
        case "helmet":
            return _helmet(traits, theme)
        case "crown":
            return _crown(theme)
        case "circlet":
            return _circlet(theme)
        case "visor":
            return _implant(theme)
    return ""


def _hood(traits: Traits) -> str:
    shell = (
        "M0 -880C-156 -868 -236 -740 -228 -560C-224 -440 -240 -370 -290 -296"
        "C-210 -270 -150 -300 -112 -350C-160 -420 -168 -520 -152 -620C-136 -720 -80 -776 0 -782"
        "C80 -776 136 -720 152 -620C168 -520 160 -420 112 -350C150 -300 210 -270 290 -296"
        "C240 -370 224 -440 228 -560C236 -740 156 -868 0 -880Z"
    )
    inner = (
        "M-112 -350C-160 -420 -168 -520 -152 -620C-136 -720 -80 -776 0 -782C80 -776 136 -720 152 -620"
        "C168 -520 160 -420 112 -350"
    )
    fold = "M-60 -866C-150 -800 -200 -700 -196 -560C-194 -450 -216 -380 -250 -310"
    return (
        svg.shape(shell, "url(#cloth)")
        + svg.stroke(inner, darker(traits.cloth, 0.6), 14)
        + svg.stroke(inner, "url(#trim)", 5, 'opacity="0.85"')
        + svg.stroke(fold, lighter(traits.cloth, 0.3), 8, 'opacity="0.25"')
    )


def _wizard_hat(traits: Traits, theme: Theme) -> str:
    cone = svg.shape(
        "M-164 -700C-140 -820 -90 -930 -10 -1010C30 -1046 84 -1030 96 -990"
        "C70 -1000 52 -980 60 -930C80 -840 140 -780 164 -700Z",
        "url(#cloth)",
    )
    fold = svg.stroke(
        "M-70 -860Q0 -830 66 -880M-110 -790Q-10 -750 100 -800", darker(traits.cloth, 0.6), 6, 'opacity="0.45"'
    )
    band = svg.shape("M-166 -704C-90 -664 90 -664 166 -704L154 -752C80 -716 -80 -716 -154 -752Z", "url(#trim)")
    brim = svg.shape(
        "M-300 -676C-220 -740 -160 -716 0 -668C160 -716 220 -740 300 -676C220 -632 90 -628 0 -640"
        "C-90 -628 -220 -632 -300 -676Z",
        "url(#cloth)",
    )
    brim_edge = svg.stroke(
        "M-300 -676C-220 -632 -90 -628 0 -640C90 -628 220 -632 300 -676",
        lighter(traits.cloth, 0.25),
        4,
        'opacity="0.5"',
    )
    stars = "".join(
        svg.at(x, y, svg.shape("M0 -15L4 -4L15 0L4 4L0 15L-4 4L-15 0L-4 -4Z", theme.light), size=size)
        for x, y, size in ((-50, -800, 1.2), (40, -850, 0.9), (-6, -920, 1.0))
    )
    return cone + fold + stars + band + brim + brim_edge


def _brimmed_hat(traits: Traits, theme: Theme) -> str:
    crown = svg.shape(
        "M-150 -690C-160 -800 -140 -862 -80 -858C-50 -856 -30 -836 0 -836C30 -836 50 -856 80 -858"
        "C140 -862 160 -800 150 -690Z",
        "url(#leather)",
    )
    dent = svg.stroke(
        "M-60 -846Q-30 -800 -34 -760M60 -846Q30 -800 34 -760", darker(theme.leather, 0.6), 8, 'opacity="0.4"'
    )
    band = svg.shape(
        "M-152 -690C-80 -664 80 -664 152 -690L154 -732C80 -704 -80 -704 -154 -732Z", darker(traits.cloth, 0.2)
    ) + svg.circle(-96, -704, 13, "url(#trim)")
    brim = svg.shape(
        "M-300 -716C-260 -690 -180 -700 -150 -700C-80 -672 80 -672 150 -700"
        "C180 -700 260 -690 300 -716C286 -640 150 -622 0 -632C-150 -622 -286 -640 -300 -716Z",
        "url(#leather)",
    )
    edge = svg.stroke(
        "M-300 -716C-286 -640 -150 -622 0 -632C150 -622 286 -640 300 -716",
        lighter(theme.leather, 0.35),
        4,
        'opacity="0.5"',
    )
    feather = (
        svg.shape("M120 -716C170 -800 230 -850 262 -900C262 -820 220 -740 136 -704Z", theme.accent)
        if traits.profession == "bard"
        else ""
    )
    return crown + dent + band + feather + brim + edge


def _top_hat(traits: Traits, theme: Theme) -> str:
    pipe = svg.shape(
        "M-138 -700C-140 -800 -150 -880 -162 -960C-80 -990 80 -990 162 -960C150 -880 140 -800 138 -700Z", "url(#cloth)"
    )
    top = svg.ellipse(0, -962, 162, 26, lighter(traits.cloth, 0.12))
    band = svg.shape("M-138 -700C-60 -676 60 -676 138 -700L140 -764C60 -738 -60 -738 -140 -764Z", "url(#leather)")
    brim = svg.shape(
        "M-236 -704C-160 -736 160 -736 236 -704C200 -646 -200 -646 -236 -704Z", "url(#cloth)"
    ) + svg.stroke("M-236 -704C-200 -646 200 -646 236 -704", "url(#trim)", 5)
    return pipe + top + band + brim


def _goggles(theme: Theme, y: float) -> str:
    strap = svg.stroke(f"M-140 {y + 8}Q0 {y - 22} 140 {y + 8}", theme.leather, 26)
    lenses = "".join(
        svg.circle(x, y - 8, 46, "url(#trim)", 'stroke="#000" stroke-opacity="0.5" stroke-width="3"')
        + svg.circle(x, y - 8, 33, darker(theme.magic, 0.45))
        + svg.ellipse(x - 10, y - 20, 15, 9, "#ffffff", 'opacity="0.6"')
        for x in (-56, 56)
    )
    return strap + svg.box(-14, y - 16, 28, 14, "url(#trim)") + lenses


def _helmet(traits: Traits, theme: Theme) -> str:
    edge = f'stroke="{darker(theme.metal[0], 0.6)}" stroke-width="4"'
    dome = svg.shape(
        "M-152 -596C-166 -720 -110 -800 0 -806C110 -800 166 -720 152 -596"
        "C150 -520 146 -480 138 -440L104 -452C118 -520 120 -580 112 -640"
        "C60 -668 -60 -668 -112 -640C-120 -580 -118 -520 -104 -452L-138 -440"
        "C-146 -480 -150 -520 -152 -596Z",
        "url(#steel)",
        edge,
    )
    guard = svg.shape("M-13 -668L13 -668L9 -548L0 -534L-9 -548Z", "url(#steel)", edge)
    band = svg.stroke("M-114 -640C-60 -668 60 -668 114 -640", "url(#trim)", 15)
    crest = svg.shape("M-18 -800C-40 -880 40 -900 130 -860C80 -850 40 -830 18 -800Z", traits.cloth) + svg.stroke(
        "M0 -806L0 -664", "url(#trim)", 13
    )
    rivets = "".join(
        svg.circle(x, y, 5, theme.trim[2])
        for x, y in ((-128, -600), (128, -600), (-124, -530), (124, -530), (-120, -470), (120, -470))
    )
    return crest + dome + guard + band + rivets


def _crown(theme: Theme) -> str:
    points = (
        "M-130 -688L-146 -806L-90 -752L-56 -836L0 -762L56 -836L90 -752L146 -806L130 -688C60 -664 -60 -664 -130 -688Z"
    )
    gems = "".join(
        svg.circle(x, y, r, theme.magic, 'stroke="#fff" stroke-opacity="0.6" stroke-width="2"')
        for x, y, r in ((0, -706, 15), (-74, -712, 10), (74, -712, 10))
    )
    tips = "".join(svg.circle(x, y, 9, theme.light) for x, y in ((-146, -806), (-56, -836), (56, -836), (146, -806)))
    return svg.shape(points, "url(#trim)", f'stroke="{theme.trim[0]}" stroke-width="4"') + tips + gems


def _circlet(theme: Theme) -> str:
    return (
        svg.stroke("M-128 -658Q0 -694 128 -658", "url(#trim)", 11)
        + svg.circle(0, -676, 34, "url(#jewel)")
        + svg.shape(
            "M0 -700L14 -676L0 -646L-14 -676Z", theme.magic, 'stroke="#fff" stroke-opacity="0.7" stroke-width="2"'
        )
    )


def _implant(theme: Theme) -> str:
    lines = "M64 -640L98 -640L116 -600M92 -540L92 -500L70 -478M112 -560L92 -540"
    wires = "".join(
        svg.stroke(lines, theme.glow, width, f'opacity="{opacity}"') for width, opacity in ((10, 0.25), (3, 1))
    )
    nodes = "".join(svg.circle(x, y, 5, theme.light) for x, y in ((64, -640), (70, -478), (92, -540)))
    plug = svg.circle(126, -586, 24, "url(#steel)") + svg.circle(126, -586, 13, theme.glow)
    return wires + nodes + plug
