"""Names of elements on drawings: complete, inside of the picture, and only of what is on it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Grid, PointOfInterest, Scale
from tabletop.image.v1.overlay_pb2 import (
    AreaOfEffect,
    AreaShape,
    CampaignElement,
    LineOfSight,
    Overlay,
    Party,
    Range,
    RangeKind,
    ResourceMarker,
    TacticalElement,
    TacticalElementProperties,
    Territory,
    TerritoryKind,
)
from tabletop.image.v1.types_pb2 import Location

from image_grpc.maps.audience import Fog
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay
from tests.maps.builders import (
    a_map,
    a_tactical_map,
    campaign,
    differing,
    in_cells,
    in_pixels,
    map_svg,
    overlay_svg,
    pixels,
    tactical,
    texts,
)
from tests.maps.elements import LANDS, a_place, a_route, a_token, one_of_each
from tests.maps.scripts import SCRIPTS

MARGIN = 400
GUARD, STORY = "Guard Captain Aldemar", "The quick brown fox jumps over the lazy dog " * 2 + "and is tired"
SVG = "{http://www.w3.org/2000/svg}"


def a_battlefield(**properties: object) -> Image:
    """Return a map of 560 x 420 pixels with cells of 70 pixels, which are 8 x 6 squares."""
    return a_map(560, 420, grid=Grid(size=70), **properties)


def drawn(image: Image, *overlays: Overlay, fog: Fog | None = None) -> Canvas:
    return draw_map(image, overlays, Coverage(), {}, fog)


def ink_of_text(canvas: Canvas) -> np.ndarray:
    """Return where text and its halo are drawn, in the picture and up to `MARGIN` pixels around it."""
    whole = (-MARGIN, -MARGIN, canvas.width + 2 * MARGIN, canvas.height + 2 * MARGIN)
    root = ElementTree.fromstring(canvas.svg(whole))
    shapes = [(parent, each) for parent in root.iter() for each in parent if each.tag in (f"{SVG}circle", f"{SVG}path")]
    for parent, shape in shapes:
        parent.remove(shape)
    # Parsers would read a carriage return as a line feed.
    return pixels(ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;"))[:, :, 3] > 0


def is_inside(ink: np.ndarray) -> bool:
    outside = ink.copy()
    outside[MARGIN:-MARGIN, MARGIN:-MARGIN] = False
    return bool(ink.any()) and not outside.any()


@pytest.mark.parametrize(
    "text",
    [GUARD, STORY, SCRIPTS["Arabic"] * 5, SCRIPTS["Tibetan"], "W" * 100, "🐉" * 40, "one\u2028two", "one\rtwo\rthree"],
)
@pytest.mark.parametrize(("column", "row"), [(0.5, 2.5), (7.5, 2.5), (3.5, 0.5), (3.5, 5.5), (-0.3, 6.3)])
def test_names_at_the_edge_are_inside_of_the_picture(text: str, column: float, row: float) -> None:
    canvas = draw_overlay(a_battlefield(), tactical(a_token(column, row, label=text)), Coverage(), {})
    assert is_inside(ink_of_text(canvas))
    assert text in texts(canvas.svg())


@settings(max_examples=25)
@given(
    st.sampled_from([*SCRIPTS.values(), STORY, GUARD]), st.integers(48, 600), st.integers(48, 600), st.floats(5, 100)
)
def test_all_text_is_inside_of_the_picture(text: str, width: int, height: int, cell: float) -> None:
    places = [PointOfInterest(name=text, location=Location(x=width, y=0))]
    scale = Scale(unit=text[:40], value=30)
    image = a_map(width, height, grid=Grid(size=cell), points_of_interest=places, scale=scale)
    assert is_inside(ink_of_text(drawn(image, *one_of_each(text))))


def test_names_of_neighbors_are_all_readable() -> None:
    image = a_battlefield()
    names = [f"Goblin Archer {index}" for index in range(1, 6)]
    tokens = [a_token(index + 0.5, 2.5, label=name) for index, name in enumerate(names, 1)]
    together = ink_of_text(draw_overlay(image, tactical(*tokens), Coverage(), {})).sum()
    apart = [ink_of_text(draw_overlay(image, tactical(token), Coverage(), {})).sum() for token in tokens]
    assert together == pytest.approx(sum(apart), rel=0.01), "no name covers another one"


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_text_of_a_document_is_that_of_the_caller(text: str) -> None:
    assert texts(overlay_svg(a_tactical_map(), one_of_each(text)[0])).count(text) == 5


@pytest.mark.parametrize("text", [STORY, SCRIPTS["Arabic"] * 6])
def test_text_that_is_cut_stays_complete_in_the_document(text: str) -> None:
    image = a_map(100, 80, grid=Grid(size=20))
    canvas = draw_overlay(image, tactical(a_token(2.5, 2.5, label=text)), Coverage(), {})
    assert text in texts(canvas.svg())
    assert is_inside(ink_of_text(canvas))
    assert "clip-path" in canvas.svg()


# Panels


def test_a_long_unit_is_inside_of_the_panel_of_the_scale_bar() -> None:
    canvas = drawn(a_map(560, 420, scale=Scale(unit="leagues of the old northern kingdom, wet", value=30)))
    root = ElementTree.fromstring(canvas.svg())
    (text,), (panel,) = list(root.iter(f"{SVG}text")), list(root.iter(f"{SVG}rect"))
    left, width = float(panel.get("x", 0)), float(panel.get("width", 0))
    columns = ink_of_text_alone(text, 560, 420).any(axis=0).nonzero()[0]
    assert left <= columns[0]
    assert columns[-1] < left + width < 560


def ink_of_text_alone(text: ElementTree.Element, width: int, height: int) -> np.ndarray:
    root = ElementTree.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "width": str(width), "height": str(height)}
    )
    group = ElementTree.SubElement(root, "g", {"font-family": "Tabletop Sans", "font-weight": "bold"})
    copy = ElementTree.SubElement(group, "text", text.attrib)
    copy.text = text.text
    return pixels(ElementTree.tostring(root, encoding="unicode"))[:, :, 3] > 0


@pytest.mark.parametrize(("width", "height"), [(64, 48), (120, 90), (400, 60)])
def test_the_legend_is_inside_of_a_small_picture(width: int, height: int) -> None:
    root = ElementTree.fromstring(drawn(a_map(width, height, grid=Grid(size=16)), *one_of_each("")).svg())
    panels = [each for each in root[-1].iter(f"{SVG}rect") if each.get("fill-opacity") == "0.88"]
    assert panels
    for panel in panels:
        x, y, wide, high = (float(panel.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height


# Elements that are not on the map


def off_the_map() -> list[Overlay]:
    look = TacticalElementProperties(label="far away")
    far, here = in_cells(3.5, 50), Location(x=5000, y=5000)
    spell = Range(kind=RangeKind.RANGE_KIND_SPELL, distance_feet=30)
    move = Range(kind=RangeKind.RANGE_KIND_MOVEMENT, distance_feet=30)
    sphere = AreaOfEffect(shape=AreaShape.AREA_SHAPE_SPHERE, size_feet=10)
    lands = [Location(x=each.x + 5000, y=each.y) for each in LANDS]
    border = Territory(kind=TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, boundary=lands)
    sign = {"label": "far away"}
    return [
        tactical(a_token(3.5, 50, label="far away")),
        tactical(TacticalElement(id="a", position=far, properties=look, range=spell)),
        tactical(TacticalElement(id="a", position=far, properties=look, range=move)),
        tactical(TacticalElement(id="a", position=far, properties=look, effect=sphere)),
        tactical(TacticalElement(id="a", position=far, properties=look, line_of_sight=LineOfSight(range_feet=5))),
        campaign(a_place(5000, 50, "far away")),
        campaign(a_route((5000, 5000), (6000, 5000))),
        campaign(CampaignElement(id="a", coordinates=here, properties=sign, party=Party(members=4))),
        campaign(CampaignElement(id="a", coordinates=here, properties=sign, resource=ResourceMarker(type="iron"))),
        campaign(CampaignElement(id="a", coordinates=here, properties=sign, territory=Territory(boundary=lands))),
        campaign(CampaignElement(id="a", coordinates=here, properties=sign, territory=border)),
    ]


@pytest.mark.parametrize("overlay", off_the_map())
def test_an_element_off_the_map_draws_nothing(overlay: Overlay) -> None:
    image = a_battlefield()
    svg = map_svg(image, overlay)
    assert svg == map_svg(image)
    assert texts(svg) == ["5 ft"], "neither a name nor a line of the legend"


def test_a_point_of_interest_off_the_map_draws_nothing() -> None:
    place = PointOfInterest(name="far away", location=Location(x=-100, y=50))
    assert map_svg(a_battlefield(points_of_interest=[place])) == map_svg(a_battlefield())


@pytest.mark.parametrize(
    "element",
    [
        a_token(-0.4, 2.5, label="Goblin"),
        a_token(8.3, 6.2, label="Goblin"),
        TacticalElement(
            id="a",
            position=in_pixels(-60, 200),
            properties=TacticalElementProperties(label="Goblin"),
            effect=AreaOfEffect(shape=AreaShape.AREA_SHAPE_SPHERE, size_feet=5),
        ),
    ],
)
def test_an_element_partly_on_the_map_is_drawn_with_its_name_inside(element: TacticalElement) -> None:
    canvas = drawn(a_battlefield(), tactical(element))
    assert "Goblin" in texts(canvas.svg())
    assert len(texts(canvas.svg())) == 3, "its name, the legend and the scale"
    assert is_inside(ink_of_text(canvas))


def test_a_territory_around_the_whole_map_is_drawn() -> None:
    corners = [Location(x=x, y=y) for x, y in ((-500, -500), (1000, -500), (1000, 1000), (-500, 1000))]
    land = CampaignElement(
        id="a", coordinates=Location(x=50, y=50), properties={"label": "Empire"}, territory=Territory(boundary=corners)
    )
    assert set(texts(map_svg(a_map(), campaign(land)))) == {"Empire", "Territory"}


# Tiles


@pytest.mark.parametrize("tile", [97, 256])
def test_tiles_do_not_cut_names(tile: int) -> None:
    elements = [a_token(index + 0.5, 2.5, label=f"Goblin Archer {index}") for index in range(8)]
    names = [*SCRIPTS.values()][:30:3]
    more = [a_token(index + 0.5, 4.5, label=f"{name} {STORY[:40]}") for index, name in enumerate(names[:8])]
    canvas = drawn(a_battlefield(), tactical(*elements, *more))
    whole = pixels(canvas.svg())
    for top in range(0, 420, tile):
        for left in range(0, 560, tile):
            part = (left, top, min(tile, 560 - left), min(tile, 420 - top))
            cut = whole[top : top + part[3], left : left + part[2]]
            assert np.abs(pixels(canvas.svg(part)).astype(int) - cut).max() <= 30, part


# Fog


def fog(seen: shapely.Geometry) -> Fog:
    return Fog(seen=seen, explored=shapely.Polygon())


def test_names_in_the_fog_are_left_out() -> None:
    # Below the token, its name would be in the fog, and above, its beginning.
    places = [
        PointOfInterest(name="Hidden Shrine", location=Location(x=270, y=212)),
        PointOfInterest(name="Well", location=Location(x=100, y=100)),
    ]
    image = a_battlefield(points_of_interest=places)
    shown = texts(drawn(image, fog=fog(shapely.box(0, 0, 560, 210))).svg())
    assert "Well" in shown
    assert "Hidden Shrine" not in shown


def test_what_is_in_the_fog_moves_no_names() -> None:
    hidden = PointOfInterest(name="Hidden Shrine", location=Location(x=270, y=190))
    token = tactical(a_token(3.5, 1.5, label="Goblin"))
    seen = fog(shapely.box(0, 0, 560, 170))
    with_it = drawn(a_battlefield(points_of_interest=[hidden]), token, fog=seen)
    without = drawn(a_battlefield(), token, fog=seen)
    assert name_at(with_it, "Goblin") == name_at(without, "Goblin")


def test_names_are_where_they_can_be_seen() -> None:
    token = tactical(a_token(3.5, 2.5, label="Goblin"))
    seen = shapely.box(0, 0, 560, 212)
    assert name_at(drawn(a_battlefield(), token, fog=fog(seen)), "Goblin")[1] < 212
    assert name_at(drawn(a_battlefield(), token), "Goblin")[1] > 212


def name_at(canvas: Canvas, text: str) -> tuple[float, float]:
    (label,) = (each for each in ElementTree.fromstring(canvas.svg()).iter(f"{SVG}text") if each.text == text)
    return float(label.get("x", 0)), float(label.get("y", 0))


def test_fog_covers_a_name_as_it_did() -> None:
    token = tactical(a_token(3.5, 2.5, label=GUARD))
    covered = pixels(drawn(a_battlefield(), token, fog=fog(shapely.box(225, 140, 262, 212))).svg())
    black = covered.copy()
    black[:, :] = (0, 0, 0, 255)
    outside = np.ones(covered.shape[:2], dtype=bool)
    outside[140:212, 225:262] = False
    outside[380:] = False  # the panels are above the fog
    assert differing(covered[outside][None], black[outside][None]) == 0
