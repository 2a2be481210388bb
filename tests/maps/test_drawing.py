"""Drawings: well-formed whatever callers wrote, and with all that should be seen."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Grid, GridKind, PointOfInterest, Scale
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
    TerritoryKind,
    Token,
    TokenKind,
)
from tabletop.image.v1.types_pb2 import Location

from image_grpc import pictures
from image_grpc.maps.canvas import number
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay, portraits
from image_grpc.maps.symbols import SYMBOLS, symbol
from tests.maps.builders import (
    HEX_COLUMNS,
    HEX_ROWS,
    KINDS,
    a_map,
    a_picture,
    a_tactical_map,
    campaign,
    differing,
    drawn,
    in_cells,
    in_pixels,
    pixels,
    shapes,
    tactical,
    tags,
    texts,
)

NASTY = "<script>&\"'"
SCRIPT = "</text><script>alert(1)</script>"
HERO = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LANDS = [Location(x=20, y=20), Location(x=150, y=30), Location(x=100, y=120)]


def a_token(
    x: float = 5, y: float = 4, *, size: CreatureSize = 0, image_id: str = "", **how: object
) -> TacticalElement:
    token = Token(size=size, image_id=image_id)
    return TacticalElement(id="t", position=in_cells(x, y), token=token, properties=TacticalElementProperties(**how))  # type: ignore[arg-type]


def a_place(x: float, y: float, name: str = "", icon: str = "town") -> CampaignElement:
    properties = CampaignElementProperties(label=name)
    return CampaignElement(id="p", coordinates=Location(x=x, y=y), properties=properties, place=PlaceMarker(icon=icon))


def a_route(*points: tuple[float, float], style: LineStyle = LineStyle.LINE_STYLE_SOLID) -> CampaignElement:
    return CampaignElement(
        id="r",
        coordinates=Location(),
        properties=CampaignElementProperties(style=style),
        route=Route(waypoints=[Location(x=x, y=y) for x, y in points]),
    )


def one_of_each(text: str) -> tuple[Overlay, Overlay]:
    """Every kind of element, with the same text wherever one may be."""
    look, sign = TacticalElementProperties(label=text), CampaignElementProperties(label=text)
    reach = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=10)
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=10)
    cone = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CONE, size_feet=15)
    here, there = in_cells(5, 4), Location(x=50, y=60)
    return (
        tactical(
            TacticalElement(id="a", position=here, properties=look, token=Token()),
            TacticalElement(id="b", position=here, properties=look, range=reach),
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


# What callers wrote


@pytest.mark.parametrize("text", [NASTY, SCRIPT, "竜の巣", "]]>", "<!--", "&lt;", "Ørnulf Åse"])
def test_text_comes_out_as_text(text: str) -> None:
    place = PointOfInterest(name=text, type=text, icon=text, location=Location(x=50, y=50))
    image = a_tactical_map(points_of_interest=[place], scale=Scale(unit=text[:40], value=1))
    svg = drawn(image, *one_of_each(text))
    assert texts(svg).count(text) == 5 + 5 + 1
    assert any(said.endswith(f" {text}") for said in texts(svg)), "the unit of the scale bar"
    assert set(tags(svg)) <= {"svg", "g", "path", "circle", "rect", "text"}
    assert pixels(svg).any()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=100))
def test_any_text_leaves_a_well_formed_document_without_elements_of_its_own(text: str) -> None:
    svg = drawn(a_tactical_map(), *one_of_each(text))
    assert set(tags(svg)) <= {"svg", "g", "path", "circle", "rect", "text"}


def test_control_characters_become_blanks() -> None:
    assert "a b c d" in texts(drawn(a_map(), campaign(a_place(50, 50, "a\x00b\x0bc\x7fd"))))


def test_colours_are_written_as_digits() -> None:
    element = a_token(color="RebeccaPurple")
    assert "#663399" in {each.get("fill") for each in shapes(drawn(a_tactical_map(), tactical(element)), "circle")}


# Grid


@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_is_drawn_only_where_it_is_enabled(kind: GridKind) -> None:
    hidden, shown = drawn(a_tactical_map(kind)), drawn(a_tactical_map(kind, enabled=True))
    assert shapes(hidden) == []
    assert len(shapes(shown)) == 1
    assert differing(pixels(hidden), pixels(shown)) > 1000


def test_a_grid_of_squares_has_its_lines_where_cells_meet() -> None:
    # Cells of 20 pixels; a line of 1 pixel about a whole number paints the pixels on both sides of it.
    alpha = pixels(drawn(a_map(grid=Grid(enabled=True, size=20, color="#000"), width=400, height=300)))[:, :, 3]
    on_line = {pixel for line in range(21) for pixel in (20 * line - 1, 20 * line)}
    assert {x for x in range(400) if alpha[10, x]} == on_line & set(range(400))
    assert {y for y in range(300) if alpha[y, 10]} == on_line & set(range(300))


def test_a_grid_has_its_colour() -> None:
    (lines,) = shapes(drawn(a_map(grid=Grid(enabled=True, size=20, color="#ff000080"))))
    assert lines["stroke"] == "#ff0000"
    assert float(lines["stroke-opacity"]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
def test_every_hexagon_is_closed_up_to_the_edge_of_the_map(kind: GridKind) -> None:
    # Whoever floods a drawing from the middle of a cell stays in that cell.
    image = a_tactical_map(kind, enabled=True)
    image.map.grid.color = "#000000"
    open_ = pixels(drawn(image))[:, :, 3] == 0
    seen = np.zeros_like(open_)
    border = [(10, 100)] if kind == HEX_ROWS else [(10, 80)]
    largest = 0
    for y, x in [(y, x) for y in range(2, 158, 7) for x in range(2, 198, 7)] + border:
        flooded, ways = 0, [(y, x)]
        while ways:
            y, x = ways.pop()  # noqa: PLW2901
            if 0 <= y < 160 and 0 <= x < 200 and open_[y, x] and not seen[y, x]:
                seen[y, x] = True
                flooded += 1
                ways += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        largest = max(largest, flooded)
    assert largest <= 20 * 20 * math.sqrt(3) / 2, "the area of one hexagon"


# Legend and scale bar


def test_the_legend_tells_each_thing_once() -> None:
    tokens = [a_token(3, 3), a_token(5, 5)]
    monster = TacticalElement(id="m", position=in_cells(2, 2), token=Token(kind=TokenKind.TOKEN_KIND_MONSTER))
    said = texts(drawn(a_tactical_map(), tactical(*tokens, monster), one_of_each("")[0]))
    for name in ("Character", "Monster", "Spell range", "Movement", "Cone", "Line of sight"):
        assert said.count(name) == 1, name


def test_the_legend_tells_the_things_of_a_campaign_map() -> None:
    border = Territory(kind=TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, boundary=LANDS)
    element = CampaignElement(id="b", coordinates=Location(), territory=border)
    said = texts(drawn(a_map(), one_of_each("")[1], campaign(element)))
    assert {"Party", "Territory", "Border", "Route", "Place", "Resource"} <= set(said)


def test_a_thing_in_another_colour_has_a_line_of_its_own_in_the_legend() -> None:
    assert texts(drawn(a_tactical_map(), tactical(a_token(), a_token(color="blue")))).count("Character") == 2


def test_there_is_no_legend_where_there_is_nothing_to_explain() -> None:
    svg = drawn(a_map())
    assert texts(svg) == []
    assert not pixels(svg).any()


def test_an_overlay_alone_has_no_grid_no_legend_and_no_scale_bar() -> None:
    image = a_tactical_map(enabled=True, scale=Scale(unit="miles", value=10))
    svg = draw_overlay(image, campaign(a_place(50, 50, "Oakvale")), Coverage(), {}).svg()
    assert texts(svg) == ["Oakvale"]
    assert len(shapes(svg)) == 2, "the symbol and its halo"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        # A fifth of 200 pixels is 40: of 4 px a foot (20 px a cell of 5 ft), that is 10 ft.
        (a_tactical_map(), "10 ft"),
        # A fifth of 1000 pixels at 100 px for 30 miles is 60 miles; 50 is the next round number below.
        (a_map(width=1000, scale=Scale(unit="miles", value=30)), "50 miles"),
        (a_map(width=1000, scale=Scale(unit="days of travel", value=0.5)), "1 days of travel"),
        # 0.002 leagues are 0.004 for a fifth of the map.
        (a_map(width=1000, scale=Scale(unit="leagues", value=0.002)), "0.002 leagues"),
        (a_map(width=1000, scale=Scale(unit="ft", value=1)), "2 ft"),
        (a_map(width=1000, scale=Scale(unit="ft", value=3e6)), "5000000 ft"),
    ],
)
def test_the_scale_bar_has_a_round_length(image: object, expected: str) -> None:
    assert texts(drawn(image)) == [expected]  # type: ignore[arg-type]


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    # 50 miles at 100 px for 30 miles: 166.67 px, in four parts.
    svg = drawn(a_map(width=1000, scale=Scale(unit="miles", value=30)))
    labels = ElementTree.fromstring(svg)[1]
    parts = [each.get("d", "") for each in labels if each.tag.endswith("path")]
    xs = [float(x) for part in parts for x in re.findall(r"[ML](\S+) ", part)]
    assert max(xs) - min(xs) == pytest.approx(50 / 30 * 100, abs=0.02)


def test_there_is_no_scale_bar_without_a_scale_or_a_grid() -> None:
    assert texts(drawn(a_map())) == []


@settings(deadline=None, max_examples=200)
@given(st.integers(32, 4096), st.floats(0, exclude_min=True, allow_infinity=False))
def test_any_scale_can_be_drawn(width: int, value: float) -> None:
    svg = drawn(a_map(width=width, scale=Scale(unit="miles", value=value)))
    assert all(not said.startswith("0 ") for said in texts(svg))


@pytest.mark.parametrize("value", [1.0, 10.0, 1000.0, 0.1, 1e-5, 1e22])
def test_a_scale_just_below_a_power_of_ten_can_be_drawn(value: float) -> None:
    # 500 pixels for a fifth of 2500: `value` units are 100 pixels, so that a fifth shows 5 times as much.
    just_below = math.nextafter(value / 5, 0)
    assert len(texts(drawn(a_map(width=2500, scale=Scale(unit="miles", value=just_below))))) == 1


# Places and paths

anywhere = st.floats(allow_nan=False, allow_infinity=False)
points = st.builds(Location, x=anywhere, y=anywhere)
styles = st.sampled_from([0, LineStyle.LINE_STYLE_SOLID, LineStyle.LINE_STYLE_DASHED, LineStyle.LINE_STYLE_DOTTED])


@settings(deadline=None, max_examples=60)
@given(st.lists(points, min_size=3, max_size=5), styles)
def test_places_anywhere_are_numbers_in_the_drawing(where: list[Location], style: LineStyle) -> None:
    look = CampaignElementProperties(style=style, label="there")
    svg = drawn(
        a_map(points_of_interest=[PointOfInterest(location=where[0], name="here")]),
        campaign(
            CampaignElement(id="a", coordinates=where[0], properties=look, territory=Territory(boundary=where)),
            CampaignElement(id="b", coordinates=where[1], properties=look, route=Route(waypoints=where)),
            CampaignElement(id="c", coordinates=where[2], properties=look, party=Party()),
        ),
    )
    assert not re.search(r"nan|inf|e[+-]?\d", svg, re.IGNORECASE)
    assert pixels(svg).shape == (160, 200, 4)


@settings(deadline=None, max_examples=30)
@given(st.floats(-100_000, 100_000), st.floats(-100_000, 100_000), st.floats(0.01, 5000))
def test_tactical_elements_anywhere_are_numbers_in_the_drawing(x: float, y: float, feet: float) -> None:
    reach = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=feet)
    cone = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CONE, size_feet=feet, direction_degrees=33)
    where = in_pixels(x, y)
    svg = drawn(
        a_tactical_map(),
        tactical(
            TacticalElement(id="a", position=where, range=reach),
            TacticalElement(id="b", position=where, effect=cone),
            TacticalElement(id="c", position=where, token=Token()),
        ),
    )
    assert not re.search(r"nan|inf|e[+-]?\d", re.sub("<[/a-zA-Z]+|[a-z-]+=|#[0-9a-f]{6}", "", svg), re.IGNORECASE)
    assert pixels(svg).shape == (160, 200, 4)


@given(st.floats(allow_nan=False))
def test_a_number_is_written_to_a_hundredth(value: float) -> None:
    assert re.fullmatch(r"-?\d+(\.\d{1,2})?", number(value))
    assert float(number(value)) == pytest.approx(min(max(value, -1e6), 1e6), abs=0.0051)


def test_a_line_is_where_it_is_also_when_it_goes_far_beyond_the_map() -> None:
    # The same straight line through the map, from 100 and from 100,000 pixels outside.
    near = pixels(drawn(a_map(), campaign(a_route((-100, 80), (300, 80)))))
    far = pixels(drawn(a_map(), campaign(a_route((-100_000, 80), (100_000, 80)))))
    assert differing(near, far) == 0
    assert near[80, 100, 3] > 0


@pytest.mark.parametrize("style", [LineStyle.LINE_STYLE_DASHED, LineStyle.LINE_STYLE_DOTTED])
def test_what_is_outside_of_the_map_has_no_dashes_to_draw(style: LineStyle) -> None:
    # Each dash would be drawn, in minutes: 100 ways of 2,000,000 pixels.
    ways = [((-1) ** count * 1e6, count) for count in range(100)]
    corners = [Location(x=x, y=y) for x, y in ways]
    border = Territory(kind=TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, boundary=corners)
    look = CampaignElementProperties(style=style)
    land = CampaignElement(id="b", coordinates=Location(), properties=look, territory=border)
    for element in (a_route(*ways, style=style), land):
        dashed = [each for each in shapes(drawn(a_map(), campaign(element))) if "stroke-dasharray" in each]
        assert dashed
        for each in dashed:
            xs = [float(x) for x in re.findall(r"[ML](\S+) ", each["d"])]
            assert -50 < min(xs) <= max(xs) < 250


@pytest.mark.parametrize(("style", "gaps"), [(LineStyle.LINE_STYLE_SOLID, False), (LineStyle.LINE_STYLE_DOTTED, True)])
def test_lines_have_their_style(style: LineStyle, gaps: bool) -> None:
    line = shapes(drawn(a_map(), campaign(a_route((10, 80), (190, 80), style=style))))[1]
    assert ("stroke-dasharray" in line) is gaps


def test_a_route_that_stays_where_it_is_has_a_start_and_no_arrow() -> None:
    svg = drawn(a_map(), campaign(a_route((50, 50), (50, 50))))
    assert len(shapes(svg, "circle")) == 1
    assert pixels(svg).any()


@pytest.mark.parametrize("name", SYMBOLS)
def test_every_symbol_renders(name: str) -> None:
    alpha = pixels(draw_overlay(a_map(64, 64), campaign(a_place(32, 32, icon=name)), Coverage(), {}).svg())[:, :, 3]
    rows, columns = np.nonzero(alpha)
    assert len(rows) > 50
    assert abs(rows.mean() - 32) < 5
    assert abs(columns.mean() - 32) < 5


def test_no_two_symbols_look_the_same() -> None:
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("icon", "type_", "name"),
    [
        ("tower", "town", "tower"),
        ("", "Sea Port", "harbour"),
        ("no-such-icon", "old_ruins", "ruin"),
        ("", "", "pin"),
        ("url(#x)", "nothing known", "pin"),
    ],
)
def test_a_symbol_is_found_by_icon_then_by_type(icon: str, type_: str, name: str) -> None:
    assert symbol(icon, type_) == SYMBOLS[name]


# Tokens and areas


def test_a_token_shows_its_portrait() -> None:
    red = a_picture(64, 64, ".jpg", (250, 10, 10))
    svg = drawn(a_tactical_map(), tactical(a_token(image_id=HERO, color="#00ff00")), art={HERO: red})
    assert shapes(svg, "image")[0]["href"].startswith("data:image/jpeg;base64,")
    # Its centre is at 5, 4 cells of 20 pixels.
    r, g, b, a = pixels(svg)[80, 100]
    assert (r > 200, g < 50, b < 50, a) == (True, True, True, 255)


def test_a_token_without_its_portrait_has_the_colour_and_the_letters_of_its_name() -> None:
    svg = drawn(a_tactical_map(), tactical(a_token(image_id=HERO, label="Ørnulf the Red")))
    assert "image" not in tags(svg)
    assert {"ØT", "Ørnulf the Red"} <= set(texts(svg))


def test_a_portrait_is_cut_to_a_circle() -> None:
    red = a_picture(64, 64, ".jpg", (250, 10, 10))
    token = a_token(image_id=HERO, size=CreatureSize.CREATURE_SIZE_LARGE)
    # A large creature is 40 pixels wide: its corners, 18 pixels off on both axes, are 25 from the centre.
    alpha = pixels(draw_overlay(a_tactical_map(), tactical(token), Coverage(), {HERO: red}).svg())[:, :, 3]
    assert not alpha[[62, 62, 98, 98], [82, 118, 82, 118]].any()


@pytest.mark.parametrize(
    ("size", "width"),
    [
        (CreatureSize.CREATURE_SIZE_TINY, 10),
        (CreatureSize.CREATURE_SIZE_UNSPECIFIED, 20),
        (CreatureSize.CREATURE_SIZE_SMALL, 20),
        (CreatureSize.CREATURE_SIZE_MEDIUM, 20),
        (CreatureSize.CREATURE_SIZE_LARGE, 40),
        (CreatureSize.CREATURE_SIZE_HUGE, 60),
        (CreatureSize.CREATURE_SIZE_GARGANTUAN, 80),
    ],
)
def test_a_token_fits_into_the_space_of_its_creature(size: CreatureSize, width: int) -> None:
    alpha = pixels(draw_overlay(a_tactical_map(), tactical(a_token(size=size)), Coverage(), {}).svg())[:, :, 3]
    columns = np.nonzero(alpha.any(axis=0))[0]
    assert width * 0.85 <= np.ptp(columns) + 1 <= width


@pytest.mark.parametrize("radius", [0.5, 1, 2, 30])
@pytest.mark.parametrize("art", [{}, {HERO: a_picture(64, 64, ".jpg")}], ids=["plain", "portrait"])
def test_a_token_has_the_radius_that_it_is_given(radius: float, art: dict[str, bytes]) -> None:
    svg = draw_overlay(a_tactical_map(), tactical(a_token(image_id=HERO, radius=radius)), Coverage(), art).svg()
    assert all(float(each["r"]) > 0 for each in shapes(svg, "circle"))
    columns = np.nonzero(pixels(svg)[:, :, 3].any(axis=0))[0]
    assert np.ptp(columns) + 1 == pytest.approx(2 * radius, abs=1)


def test_what_has_no_opacity_is_not_seen() -> None:
    overlay = one_of_each("")[0]
    for element in overlay.tactical.elements:
        element.properties.opacity = 0
    overlay.tactical.elements[0].token.image_id = HERO
    svg = draw_overlay(a_tactical_map(), overlay, Coverage(), {HERO: a_picture(64, 64, ".jpg")}).svg()
    assert not pixels(svg)[:, :, 3].any()


def test_what_is_half_as_opaque_is_half_as_much_seen() -> None:
    art = {HERO: a_picture(64, 64, ".jpg", (250, 10, 10))}
    svg = draw_overlay(a_tactical_map(), tactical(a_token(image_id=HERO, opacity=0.5)), Coverage(), art).svg()
    assert 100 < pixels(svg)[80, 100, 3] < 250


def test_an_area_marks_its_cells() -> None:
    # A cube of 10 ft that points right from 2, 4 covers the squares from 2, 3 to 4, 5: pixels 40, 60 to 80, 100.
    cube = AreaOfEffect(shape=AreaShape.AREA_SHAPE_CUBE, size_feet=10)
    element = TacticalElement(id="a", position=in_cells(2, 4), effect=cube)
    alpha = pixels(draw_overlay(a_tactical_map(), tactical(element), Coverage(), {}).svg())[:, :, 3]
    assert alpha[63:97, 43:77].all()
    alpha[57:103, 37:83] = 0
    assert not alpha.any()


def test_elements_are_drawn_in_their_order() -> None:
    red, blue = a_token(color="red"), a_token(color="blue")
    over = pixels(drawn(a_tactical_map(), tactical(red), tactical(blue)))[80, 93]
    under = pixels(drawn(a_tactical_map(), tactical(blue, red)))[80, 93]
    assert over[2] > over[0]
    assert under[0] > under[2]


def test_portraits_are_asked_for_once_each() -> None:
    assert portraits([tactical(a_token(image_id=HERO), a_token(image_id=HERO), a_token())]) == [HERO]


def test_a_drawing_has_the_size_of_its_map_and_renders_over_it() -> None:
    image = a_tactical_map(HEX_COLUMNS, enabled=True)
    drawing = draw_map(image, [*one_of_each("竜")], Coverage(), {})
    composed = pictures.render(a_picture(), 1, drawing=drawing)
    assert pictures.size_of(composed) == (200, 160)
