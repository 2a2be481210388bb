"""Legend of a map."""

from __future__ import annotations

from tabletop.image.v1.map_pb2 import PointOfInterest
from tabletop.image.v1.overlay_pb2 import CampaignElement, TacticalElement, Territory, TerritoryKind, Token, TokenKind
from tabletop.image.v1.types_pb2 import Location

from tests.maps.builders import a_map, a_tactical_map, campaign, in_cells, map_svg, pixels, tactical, texts
from tests.maps.elements import LANDS, a_token, one_of_each


def test_the_legend_lists_each_kind_of_element_once() -> None:
    tokens = [a_token(3, 3), a_token(5, 5)]
    monster = TacticalElement(id="m", position=in_cells(2, 2), token=Token(kind=TokenKind.TOKEN_KIND_MONSTER))
    labels = texts(map_svg(a_tactical_map(), tactical(*tokens, monster), one_of_each("")[0]))
    for name in ("Character", "Monster", "Spell range", "Movement", "Cone", "Line of sight"):
        assert labels.count(name) == 1, name


def test_the_legend_lists_the_elements_of_a_campaign_map() -> None:
    border = Territory(kind=TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, boundary=LANDS)
    element = CampaignElement(id="b", coordinates=Location(), territory=border)
    labels = texts(map_svg(a_map(), one_of_each("")[1], campaign(element)))
    assert {"Party", "Territory", "Border", "Route", "Place", "Resource"} <= set(labels)


def test_the_legend_lists_the_places_of_the_map_itself() -> None:
    place = PointOfInterest(location=Location(x=40, y=40), name="Rivertown")
    assert set(texts(map_svg(a_map(points_of_interest=[place])))) == {"Rivertown", "Place"}


def test_an_element_in_another_color_has_its_own_line() -> None:
    assert texts(map_svg(a_tactical_map(), tactical(a_token(), a_token(color="blue")))).count("Character") == 2


def test_an_empty_map_has_no_legend() -> None:
    svg = map_svg(a_map())
    assert texts(svg) == []
    assert not pixels(svg).any()
