"""Exporting maps through MapService, over a real channel."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import (
    CoordinateUnit,
    DoorKind,
    DoorState,
    GridKind,
    HexShift,
    Light,
    Wall,
    WallDirection,
    WallKind,
    WallRestriction,
)
from tabletop.image.v1.map_service_pb2 import ExportSceneRequest, SceneFile, SceneFormat, SetDoorStateRequest
from tabletop.image.v1.types_pb2 import ImageSubtype

from tests.scenes.reading import points, read_universal_vtt
from tests.service import Service, new_id, picture_bytes
from tests.statuses import failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNIVERSAL_VTT, FOUNDRY = SceneFormat.SCENE_FORMAT_UNIVERSAL_VTT, SceneFormat.SCENE_FORMAT_FOUNDRY
MASK = SceneFormat.SCENE_FORMAT_MASK
CELLS = CoordinateUnit.COORDINATE_UNIT_CELLS
LIMITED, FREE = WallRestriction.WALL_RESTRICTION_LIMITED, WallRestriction.WALL_RESTRICTION_NONE
GOLDEN = Path(__file__).parent / "golden"
SIDE = 400


def at(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "unit": CELLS}


def wall(x1: float, y1: float, x2: float, y2: float, **fields: Any) -> Wall:
    return Wall(start=at(x1, y1), end=at(x2, y2), **fields)


def noise(suffix: str = ".png", side: int = SIDE) -> bytes:
    """Return a picture each of whose pixels is different from its neighbors, and none dark."""
    values = np.random.default_rng(7).integers(120, 200, (side, side, 3), dtype=np.uint8)
    data: bytes = pyvips.Image.new_from_array(values).copy(interpretation="srgb").write_to_buffer(suffix)
    return data


WALLS = [
    wall(1, 1, 6, 1, id="north"),
    wall(6, 1, 6, 3, id="east"),
    wall(6, 3, 6, 4, id="door", door={}),
    wall(6, 4, 6, 7, id="east2"),
    wall(6, 7, 1, 7, id="south", direction=WallDirection.WALL_DIRECTION_LEFT),
    wall(1, 7, 1, 5, id="west"),
    wall(1, 5, 1, 3, id="window", kind=WallKind.WALL_KIND_WINDOW),
    wall(1, 3, 1, 1, id="west2"),
    wall(2, 8, 4, 8, id="parapet", kind=WallKind.WALL_KIND_LOW_WALL),
    wall(7, 1, 7, 5, id="bushes", restrictions={"sight": LIMITED, "light": LIMITED, "move": FREE}),
    wall(4, 9, 5, 9, id="vault", door={"kind": DoorKind.DOOR_KIND_SECRET, "state": DoorState.DOOR_STATE_LOCKED}),
    wall(5, 9, 6, 9, id="gate", door={"state": DoorState.DOOR_STATE_OPEN}),
    wall(3, 3, 3, 3, id="dot"),
]
LIGHTS = [
    Light(
        id="lamp",
        position=at(3.5, 2.5),
        illumination={
            "bright_feet": 20,
            "dim_feet": 40,
            "color": "#ff8800aa",
            "angle_degrees": 90,
            "direction_degrees": 180,
        },
    ),
    Light(id="ember", position=at(2, 6), illumination={"bright_feet": 5}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keep(running: Service) -> Image:
    """A map of 10 x 10 cells with walls, doors and lights of all kinds."""
    return await running.upload(noise(), map={"grid": {"enabled": True, "size": 40}, "walls": WALLS, "lights": LIGHTS})


async def export(running: Service, map_: Image, format_: SceneFormat, version: int = 0) -> tuple[SceneFile, bytes]:
    request = ExportSceneRequest(map_id=map_.id, format=format_, version=version)
    first, *parts = [part async for part in running.maps.ExportScene(request)]
    assert all(0 < len(part.data) <= 1024 * 1024 for part in parts)
    data = b"".join(part.data for part in parts)
    assert (first.file.byte_size, first.file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return first.file, data


def losses(file: SceneFile) -> dict[str, list[str]]:
    return {loss.description: [*loss.wall_ids, *loss.light_ids] for loss in file.losses}


def pixels(picture: pyvips.Image) -> NDArray[np.uint8]:
    values: NDArray[np.uint8] = picture.numpy()
    return values


def read_foundry(data: bytes) -> tuple[dict[str, Any], pyvips.Image]:
    """Return the scene and its picture."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        scene = json.loads(archive.read("scene.json"))
        assert archive.namelist() == ["scene.json", scene["background"]["src"]]
        picture = pyvips.Image.new_from_buffer(archive.read(scene["background"]["src"]), "")
    assert (scene["width"], scene["height"]) == (picture.width, picture.height)
    return scene, picture


# Universal VTT


async def test_walls_doors_and_lights_equal_the_golden_file(running: Service, keep: Image) -> None:
    file, data = await export(running, keep, UNIVERSAL_VTT)
    scene = read_universal_vtt(data)
    assert np.array_equal(pixels(scene.pop("image")), pixels(pyvips.Image.new_from_buffer(noise(), "")))
    assert scene == json.loads((GOLDEN / "keep.uvtt.json").read_text())
    assert (file.name, file.media_type) == (f"map-{keep.id[:8]}.uvtt", "application/json")


async def test_what_universal_vtt_cannot_express_is_listed(running: Service, keep: Image) -> None:
    file, _ = await export(running, keep, UNIVERSAL_VTT)
    assert losses(file) == {
        "one-way walls restrict from both sides": ["south"],
        "walls that one sees over or through are left out": ["parapet"],
        "walls that one sees into are lines of sight of objects, which programs read differently": ["bushes"],
        "locked doors are closed, not locked": ["vault"],
        "secret doors are not secret": ["vault"],
        "open doors are closed": ["gate"],
        "walls shorter than a pixel are left out": ["dot"],
        "lights have one radius, that of dim light": ["lamp"],
        "cones of light shine all around": ["lamp"],
    }


async def test_a_plain_map_has_no_losses(running: Service) -> None:
    plain = await running.upload(noise(), map={"grid": {"size": 40}, "walls": WALLS[:4]})
    for format_ in (UNIVERSAL_VTT, FOUNDRY, MASK):
        file, _ = await export(running, plain, format_)
        assert list(file.losses) == []


async def test_fractional_cells_and_an_offset_keep_everything_on_its_cell(running: Service) -> None:
    grid = {"size": 40.4, "offset": {"x": 10, "y": -6.5}}
    walls = [wall(0, 0, 3, 0), wall(4, 2, 4, 3, door={})]
    map_ = await running.upload(noise(), map={"grid": grid, "walls": walls})
    scene = read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])
    # The map starts 10 pixels left of column 0, so that the scene has a column more, and 6.5 pixels below row 0.
    assert scene["resolution"] == {
        "map_origin": {"x": 0, "y": 0},
        "map_size": {"x": 11, "y": 11},
        "pixels_per_grid": 40,
    }
    assert [points(line) for line in scene["line_of_sight"]] == [[(1, 0), (4, 0)]]
    assert points(scene["portals"][0]["bounds"]) == [(5, 2), (5, 3)]
    picture = pixels(scene["image"])
    left, top = round((40.4 - 10) * 40 / 40.4), round(6.5 * 40 / 40.4)
    side = round(SIDE * 40 / 40.4)
    assert not picture[:, :left].any()
    assert not picture[:top].any()
    assert not picture[top + side :].any()
    assert picture[top : top + side, left : left + side].all()


async def test_walls_whose_ends_are_a_pixel_apart_still_meet(running: Service) -> None:
    walls = [wall(1, 1, 3, 1), wall(3.02, 1, 3, 4), wall(3, 4, 3, 5, door={})]
    map_ = await running.upload(noise(), map={"grid": {"size": 40}, "walls": walls})
    [line] = read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])["line_of_sight"]
    assert points(line)[0] in {(1, 1), (3, 4)}
    assert points(line)[-1] in {(1, 1), (3, 4)}
    assert len(line) == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"restrictions": {"move": LIMITED}}, []),
        ({"kind": WallKind.WALL_KIND_LOW_WALL, "restrictions": dict.fromkeys(("sight", "light", "sound"), 2)}, []),
        ({"restrictions": dict.fromkeys(("move", "sight", "light", "sound"), FREE)}, []),
        ({"restrictions": {"light": FREE}}, ["walls that block sight restrict everything"]),
        ({"door": {"kind": DoorKind.DOOR_KIND_PORTCULLIS}}, ["doors have no kind", "closed doors restrict everything"]),
        (
            {"kind": WallKind.WALL_KIND_WINDOW, "restrictions": {"light": 2}},
            ["windows restrict movement and sound only"],
        ),
    ],
)
async def test_a_loss_is_a_difference_to_what_the_map_restricts(
    running: Service, fields: dict[str, Any], expected: list[str]
) -> None:
    map_ = await running.upload(map={"grid": {"size": 20}, "walls": [wall(1, 1, 3, 1, **fields)]})
    assert list(losses((await export(running, map_, UNIVERSAL_VTT))[0])) == expected


async def test_the_border_of_a_transparent_map_is_black(running: Service) -> None:
    values = np.full((80, 80, 4), 200, dtype=np.uint8)
    picture = pyvips.Image.new_from_array(values).copy(interpretation="srgb").write_to_buffer(".png")
    map_ = await running.upload(picture, map={"grid": {"size": 40, "offset": {"x": 10, "y": 10}}})
    scene = read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])
    assert pixels(scene["image"])[0, 0].tolist() == [0, 0, 0, 255]


async def test_an_offset_of_less_than_a_quarter_of_a_pixel_adds_no_column(running: Service) -> None:
    map_ = await running.upload(noise(), map={"grid": {"size": 40, "offset": {"x": 0.2, "y": 0.01}}})
    scene = read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])
    assert scene["resolution"]["map_size"] == {"x": 10, "y": 10}


async def test_a_door_that_joints_shrink_to_a_point_is_left_out(running: Service) -> None:
    def pixels_wall(x1: float, x2: float, **fields: Any) -> Wall:
        return Wall(start={"x": x1, "y": 100, "unit": 1}, end={"x": x2, "y": 100, "unit": 1}, **fields)

    walls = [pixels_wall(10, 100), pixels_wall(100, 101.5, id="slit", door={}), pixels_wall(100.75, 200)]
    map_ = await running.upload(noise(), map={"grid": {"size": 40}, "walls": walls})
    file, data = await export(running, map_, UNIVERSAL_VTT)
    assert read_universal_vtt(data)["portals"] == []
    assert losses(file) == {"walls shorter than a pixel are left out": ["slit"]}


async def test_a_jpeg_becomes_webp(running: Service) -> None:
    map_ = await running.upload(noise(".jpg"), map={"grid": {"size": 40}})
    scene = read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])
    assert scene["image"].get("vips-loader") == "webpload_buffer"


async def test_hexagons_are_a_loss(running: Service) -> None:
    map_ = await running.upload(noise(), map={"grid": {"size": 40, "kind": GridKind.GRID_KIND_HEX_ROWS}})
    assert len((await export(running, map_, UNIVERSAL_VTT))[0].losses) == 1
    assert list((await export(running, map_, FOUNDRY))[0].losses) == []


# Foundry


async def test_a_foundry_scene_equals_the_golden_file(running: Service, keep: Image) -> None:
    file, data = await export(running, keep, FOUNDRY)
    scene, picture = read_foundry(data)
    assert np.array_equal(pixels(picture), pixels(pyvips.Image.new_from_buffer(noise(), "")))
    name = f"map-{keep.id[:8]}"
    assert (file.name, file.media_type, scene.pop("name")) == (f"{name}.zip", "application/zip", name)
    assert scene.pop("background")["src"] == f"{name}.png"
    assert scene == json.loads((GOLDEN / "keep.foundry.json").read_text())
    assert losses(file) == {"walls shorter than a pixel are left out": ["dot"]}


async def test_small_cells_are_enlarged_for_foundry(running: Service) -> None:
    map_ = await running.upload(noise(side=80), map={"grid": {"size": 8}, "walls": [wall(1, 2, 3, 4)]})
    scene, _ = read_foundry((await export(running, map_, FOUNDRY))[1])
    assert (scene["grid"]["size"], scene["width"], scene["walls"][0]["c"]) == (20, 200, [20, 40, 60, 80])


async def test_walls_whose_ends_are_a_pixel_apart_meet_in_foundry(running: Service) -> None:
    walls = [
        Wall(start={"x": 10, "y": 100, "unit": 1}, end={"x": 100.4, "y": 100, "unit": 1}),
        Wall(start={"x": 100.6, "y": 100, "unit": 1}, end={"x": 200, "y": 100, "unit": 1}, door={}),
    ]
    map_ = await running.upload(noise(), map={"grid": {"size": 40}, "walls": walls})
    one, other = read_foundry((await export(running, map_, FOUNDRY))[1])[0]["walls"]
    assert one["c"][2:] == other["c"][:2]


async def test_a_picture_that_would_become_too_large_is_refused(running: Service) -> None:
    map_ = await running.upload(picture_bytes(3000, 3000), map={"grid": {"size": 8}})
    error = await failed_stream(running.maps.ExportScene(ExportSceneRequest(map_id=map_.id, format=FOUNDRY)))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")
    assert read_universal_vtt((await export(running, map_, UNIVERSAL_VTT))[1])["resolution"]["pixels_per_grid"] == 8


@pytest.mark.parametrize(
    ("kind", "shift", "type_"),
    [
        (GridKind.GRID_KIND_HEX_ROWS, HexShift.HEX_SHIFT_ODD, 2),
        (GridKind.GRID_KIND_HEX_ROWS, HexShift.HEX_SHIFT_EVEN, 3),
        (GridKind.GRID_KIND_HEX_COLUMNS, HexShift.HEX_SHIFT_ODD, 4),
        (GridKind.GRID_KIND_HEX_COLUMNS, HexShift.HEX_SHIFT_EVEN, 5),
    ],
)
async def test_foundry_has_each_kind_of_hexagon(running: Service, kind: GridKind, shift: HexShift, type_: int) -> None:
    map_ = await running.upload(noise(), map={"grid": {"size": 40, "kind": kind, "hex_shift": shift}})
    scene, _ = read_foundry((await export(running, map_, FOUNDRY))[1])
    assert scene["grid"]["type"] == type_
    assert (scene["width"], scene["height"]) == (SIDE, SIDE)


# Masks


async def test_a_mask_has_white_walls_gray_openings_and_nothing_else(running: Service, keep: Image) -> None:
    file, data = await export(running, keep, MASK)
    assert (file.name, file.media_type) == (f"map-{keep.id[:8]}-walls.png", "image/png")
    picture = pyvips.Image.new_from_buffer(data, "")
    assert (picture.bands, picture.width, picture.height) == (1, SIDE, SIDE)
    mask = pixels(picture).reshape(SIDE, SIDE)
    expected = {"wall": (40, 140, 255), "door": (140, 240, 128), "window": (160, 40, 128), "open": (360, 220, 0)}
    assert {name: mask[row, column] for name, (row, column, _) in expected.items()} == {
        name: value for name, (_, _, value) in expected.items()
    }
    assert np.count_nonzero(mask) < 0.05 * SIDE * SIDE


async def test_what_a_mask_does_not_show_is_listed(running: Service, keep: Image) -> None:
    assert losses((await export(running, keep, MASK))[0]) == {
        "one-way walls restrict from both sides": ["south"],
        "walls that restrict single senses look like all others": ["parapet", "bushes"],
        "locked doors are closed, not locked": ["vault"],
        "secret doors are not secret": ["vault"],
        "a mask has no lights": ["lamp", "ember"],
    }


async def test_an_opened_door_leaves_the_mask(running: Service) -> None:
    map_ = await running.upload(noise(), map={"grid": {"size": 40}, "walls": [wall(1, 1, 2, 1, id="d", door={})]})
    _, before = await export(running, map_, MASK)
    state = SetDoorStateRequest(map_id=map_.id, door_id="d", state=DoorState.DOOR_STATE_OPEN)
    await running.maps.SetDoorState(state)
    _, after = await export(running, map_, MASK)
    assert pixels(pyvips.Image.new_from_buffer(before, "")).any()
    assert not pixels(pyvips.Image.new_from_buffer(after, "")).any()
    assert (await export(running, map_, MASK, version=1))[1] == before


# All formats


@pytest.mark.parametrize("format_", [UNIVERSAL_VTT, FOUNDRY, MASK])
async def test_equal_requests_return_equal_bytes(running: Service, keep: Image, format_: SceneFormat) -> None:
    assert await export(running, keep, format_) == await export(running, keep, format_)


@pytest.mark.parametrize("format_", [UNIVERSAL_VTT, FOUNDRY, MASK])
async def test_a_map_with_nothing_but_a_picture_is_exported(running: Service, format_: SceneFormat) -> None:
    bare = await running.upload(noise())
    _, data = await export(running, bare, format_)
    if format_ == UNIVERSAL_VTT:
        assert read_universal_vtt(data)["line_of_sight"] == []


@pytest.mark.parametrize(
    ("fields", "field"), [({"map_id": "x"}, "map_id"), ({"format": 0}, "format"), ({"format": 9}, "format")]
)
async def test_invalid_fields_are_rejected(running: Service, keep: Image, fields: dict[str, Any], field: str) -> None:
    request = ExportSceneRequest(**{"map_id": keep.id, "format": MASK, **fields})
    error = await failed_stream(running.maps.ExportScene(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_only_tactical_maps_are_exported(running: Service) -> None:
    region = await running.upload(subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN)
    error = await failed_stream(running.maps.ExportScene(ExportSceneRequest(map_id=region.id, format=MASK)))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")
    error = await failed_stream(running.maps.ExportScene(ExportSceneRequest(map_id=new_id(), format=MASK)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")
