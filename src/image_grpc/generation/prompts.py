"""Prompts for GetImg.AI, from a normalized request and its theme. Pure functions.

Grid, labels and tokens are never part of a prompt: they are data, and drawn when a map is read.
"""

from collections.abc import Mapping, Sequence

from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest
from tabletop.image.v1.theme_pb2 import Theme, ThemeElement

from image_grpc.messages import enum_label

_STRENGTHS = ((0.8, "in full"), (0.5, "clearly"), (0.2, "gently"), (0.0, "with no more than a hint of it"))


def join_parts(parts: Sequence[str], details: str) -> str:
    """Return the prompt with these sentences and the caller's own details."""
    return " ".join(part for part in (*parts, labeled("Also", details.strip())) if part)


def restyle(prompt: str, theme: Theme, request: ApplyThemeRequest) -> str:
    """Return the prompt that redraws the reference picture, which `prompt` describes, in another theme."""
    strength = applied_strength(request)
    degree = next(phrase for minimum, phrase in _STRENGTHS if strength >= minimum)
    parts = (
        f"Redraw the reference picture in {theme_name(theme)} style, {degree}: strength {strength:g} "
        "of 1. Keep its layout, subject and proportions.",
        prompt,
        labeled("Mood", request.style.atmosphere),
    )
    return " ".join(part for part in parts if part)


def blend_themes(old: Theme, new: Theme, request: ApplyThemeRequest) -> Theme:
    """Return the new theme with the caller's style; elements that are not applied stay those of the old theme."""
    blended = Theme(name=new.name, display_name=new.display_name, elements=new.elements)
    if request.elements:
        blended.elements.CopyFrom(old.elements)
        for element in request.elements:
            name = enum_label(ThemeElement, element)
            setattr(blended.elements, name, getattr(new.elements, name))
    for name in ("color_scheme", "lighting"):
        if override := getattr(request.style, name):
            setattr(blended.elements, name, override)
    return blended


def applied_strength(request: ApplyThemeRequest) -> float:
    """Return the strength with which a theme is applied, 0 to 1."""
    return request.strength if request.HasField("strength") else 1.0


def theme_name(theme: Theme) -> str:
    """Return the name of a theme for prompts."""
    return theme.display_name or theme.name.replace("_", " ")


def labeled(label: str, text: str) -> str:
    """Return the sentence `label: text.`, or nothing if there is no text."""
    return f"{label}: {text.rstrip('.')}." if text else ""


def with_properties(name: str, properties: Mapping[str, str]) -> str:
    """Return a name with its properties in parentheses, sorted by key."""
    listed = ", ".join(f"{key} {value}" for key, value in sorted(properties.items()))
    return f"{name} ({listed})" if name and listed else name or listed
