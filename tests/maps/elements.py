"""Elements of overlays."""

from __future__ import annotations

from tabletop.image.v1.overlay_pb2 import (
    AreaOfEffect,
    AreaShape,
    CampaignElement,
    CampaignElementProperties,
    CreatureSize,
    LineOfSight,
    LineStyle,
    Overlay,
    Party,
    PlaceMarker,
    Range,
    RangeKind,
    ResourceMarker,
    Route,
    TacticalElement,
    TacticalElementProperties,
    Territory,
    Token,
)
from tabletop.image.v1.types_pb2 import Location

from tests.maps.builders import campaign, in_cells, tactical

HERO = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
"""Id of an image."""
LANDS = [Location(x=20, y=20), Location(x=150, y=30), Location(x=100, y=120)]
"""Corners of a territory."""


def a_token(
    x: float = 5, y: float = 4, *, size: CreatureSize = 0, image_id: str = "", **properties: object
) -> TacticalElement:
    """Return a token at a position in cells."""
    token = Token(size=size, image_id=image_id)
    return TacticalElement(
        id="t", position=in_cells(x, y), token=token, properties=TacticalElementProperties(**properties)
    )  # type: ignore[arg-type]


def a_place(x: float, y: float, name: str = "", icon: str = "town") -> CampaignElement:
    """Return a place at a location in pixels."""
    properties = CampaignElementProperties(label=name)
    return CampaignElement(id="p", coordinates=Location(x=x, y=y), properties=properties, place=PlaceMarker(icon=icon))


def a_route(*points: tuple[float, float], style: LineStyle = LineStyle.LINE_STYLE_SOLID) -> CampaignElement:
    """Return a route through points in pixels."""
    return CampaignElement(
        id="r",
        coordinates=Location(),
        properties=CampaignElementProperties(style=style),
        route=Route(waypoints=[Location(x=x, y=y) for x, y in points]),
    )


def one_of_each(text: str) -> tuple[Overlay, Overlay]:
    """Return overlays with every kind of element and the same text in all of their fields."""
    look, sign = TacticalElementProperties(label=text), CampaignElementProperties(label=text)
    spell = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=10)
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=10)
    cone = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CONE, size_feet=15)
    here, there = in_cells(5, 4), Location(x=50, y=60)
    return (
        tactical(
            TacticalElement(id="a", position=here, properties=look, token=Token()),
            TacticalElement(id="b", position=here, properties=look, range=spell),
            TacticalElement(id="c", position=here, properties=look, range=move),
            TacticalElement(id="d", position=here, properties=look, effect=cone),
            TacticalElement(id="e", position=here, properties=look, line_of_sight=LineOfSight()),
        ),
        campaign(
            CampaignElement(id="a", coordinates=there, properties=sign, party=Party()),
            CampaignElement(id="b", coordinates=there, properties=sign, territory=Territory(boundary=LANDS)),
            CampaignElement(id="c", coordinates=there, properties=sign, route=Route(waypoints=LANDS)),
            CampaignElement(id="d", coordinates=there, properties=sign, place=PlaceMarker(type=text, icon=text)),
            CampaignElement(id="e", coordinates=there, properties=sign, resource=ResourceMarker(type=text)),
        ),
    )
