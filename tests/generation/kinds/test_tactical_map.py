from __future__ import annotations

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import MapProperties, WallKind

from image_grpc.errors import Violation
from image_grpc.generation.kinds.tactical_map import TacticalMap
from image_grpc.maps.validation import INVALID_COLOR
from tests.generation.builders import tactical_map
from tests.generation.kinds.prompts import prompt_of

KIND = TacticalMap()
WALL = {"start": {"x": 1, "unit": 2}, "end": {"x": 2, "unit": 2}}


def test_the_prompt_contains_terrain_and_features() -> None:
    prompt = prompt_of(
        tactical_map(
            terrain={"type": "dungeon", "properties": {"floor": "wet stone", "ceiling": "low"}},
            features=["stone altar", "pit trap"],
        )
    )
    assert "Terrain: dungeon (ceiling low, floor wet stone)." in prompt
    assert "It shows: stone altar, pit trap." in prompt


def test_terrain_may_have_a_type_or_properties_only() -> None:
    assert "Terrain: forest." in prompt_of(tactical_map(terrain={"type": "forest"}))
    assert "Terrain: floor mud." in prompt_of(tactical_map(terrain={"properties": {"floor": "mud"}}))


def test_grid_and_walls_are_not_part_of_the_prompt() -> None:
    assert prompt_of(tactical_map(grid={"enabled": True}, walls=[WALL])) == prompt_of(tactical_map())


def test_an_invalid_grid_color_is_a_violation() -> None:
    assert KIND.violations(tactical_map(grid={"color": "nocolor"})) == [Violation("grid.color", INVALID_COLOR)]
    assert KIND.violations(tactical_map(grid={"color": "#123"})) == []


def test_map_properties_are_grid_and_walls() -> None:
    properties = KIND.map_properties(tactical_map(grid={"size": 32}, walls=[WALL]))
    stored = WALL | {"id": "w1", "kind": WallKind.WALL_KIND_WALL}
    assert properties == MapProperties(grid={"size": 32}, walls=[stored])
    assert not KIND.map_properties(tactical_map()).HasField("grid")


def test_a_request_for_a_picture_like_an_upload_has_its_grid_and_walls() -> None:
    image = Image(map={"grid": {"size": 32}, "walls": [WALL]})
    request = tactical_map()
    KIND.describe_image(image, request)
    assert request == tactical_map(grid={"size": 32}, walls=[WALL])
    plain = tactical_map()
    KIND.describe_image(Image(), plain)
    assert plain == tactical_map()
