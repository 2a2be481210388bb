"""Maps on the command line."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import pyvips
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit, Wall
from tabletop.image.v1.overlay_pb2 import Visibility

from tests.cli.processes import run
from tests.scenes.reading import read_universal_vtt
from tests.service import Service, element, grid_properties, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def room(platform: Service) -> Image:
    """A map of 10 x 10 cells that a wall with a door divides into an upper and a lower half."""

    def wall(start: float, end: float, **fields: Any) -> Wall:
        unit = CoordinateUnit.COORDINATE_UNIT_CELLS
        return Wall(start={"x": start, "y": 5, "unit": unit}, end={"x": end, "y": 5, "unit": unit}, **fields)

    walls = [wall(0, 4), wall(4, 5, id="gate", door={}), wall(5, 10)]
    return await platform.upload(map={**grid_properties(), "walls": walls})


def at(platform: Service) -> tuple[str, str]:
    return ("--target", platform.running.address)


async def test_doors_are_shown_and_opened(platform: Service, room: Image) -> None:
    _, out, _ = await run("map", "get", room.id, *at(platform))
    assert out.splitlines()[0] == "version 1, square cells of 20 px, 3 walls, 0 lights"
    shown = [" ".join(line.split()) for line in out.splitlines()[1:]]
    assert shown == ["door kind state from to", "gate door closed 4 5 cells 5 5 cells"]
    _, out, _ = await run("map", "door", room.id, "gate", "open", *at(platform))
    assert out.split()[-9:-6] == ["gate", "door", "open"]
    code, _, error = await run("map", "door", room.id, "w1", "open", *at(platform))
    assert code != 0
    assert "w1" in error


async def test_a_map_is_changed(platform: Service, room: Image, tmp_path: Path) -> None:
    (tmp_path / "changes.json").write_text('{"remove_wall_ids": ["gate"], "grid": {"size": 40.5}}')
    command = ("map", "update", room.id, str(tmp_path / "changes.json"), "--version", "1", *at(platform))
    _, out, _ = await run(*command)
    assert out.splitlines() == ["version 2, square cells of 40.5 px, 2 walls, 0 lights"]
    code, _, error = await run(*command)
    assert code != 0
    assert "VERSION_CONFLICT" in error


async def test_vision_counts_cells(platform: Service, room: Image, tmp_path: Path) -> None:
    position = {"x": 4.5, "y": 2.5, "unit": "COORDINATE_UNIT_CELLS"}
    (tmp_path / "viewers.json").write_text(json.dumps({"viewers": [{"id": "elf", "position": position}]}))
    command = ("map", "vision", room.id, str(tmp_path / "viewers.json"), *at(platform))
    _, out, _ = await run(*command)
    assert [line.split() for line in out.splitlines()] == [
        ["viewer", "bright", "dim", "dark"],
        ["elf", "50", "0", "0"],
        ["together", "50", "0", "0"],
    ]
    _, out, _ = await run(*command, "--ambient-light", "dim", "--output", "json")
    assert {cell["light"] for cell in json.loads(out)["combined"]["cells"]} == {"LIGHT_LEVEL_DIM"}


async def test_a_map_is_exported_with_its_losses(platform: Service, room: Image, tmp_path: Path) -> None:
    await run("map", "door", room.id, "gate", "locked", *at(platform))
    out = tmp_path / "room.uvtt"
    _, text, _ = await run("map", "export", room.id, "--format", "universal_vtt", "--out", str(out), *at(platform))
    assert text.splitlines()[0].startswith(f"{out}: ")
    assert text.splitlines()[1:] == ["- locked doors are closed, not locked: gate"]
    assert len(read_universal_vtt(out.read_bytes())["portals"]) == 1
    command = ("map", "export", room.id, "--format", "foundry", "--out", str(tmp_path / "room.zip"), *at(platform))
    _, text, _ = await run(*command, "--output", "json")
    assert json.loads(text)["media_type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO((tmp_path / "room.zip").read_bytes())).testzip() is None


async def test_players_do_not_see_what_is_hidden(platform: Service, room: Image, tmp_path: Path) -> None:
    hidden = element("trap", properties={"label": "Trap"}, visibility=Visibility.VISIBILITY_GAME_MASTER)
    await platform.create_overlay(room.id, hidden)
    whole, players = tmp_path / "whole.svg", tmp_path / "players.svg"
    await run("overlay", "render", room.id, "--out", str(whole), *at(platform))
    await run("overlay", "render", room.id, "--out", str(players), "--audience", "players", *at(platform))
    assert "Trap" in whole.read_text()
    assert "Trap" not in players.read_text()
    read = ("image", "read", room.id, "--layer", "composed", *at(platform))
    await run(*read, "--out", str(tmp_path / "whole.png"))
    await run(*read, "--out", str(tmp_path / "players.png"), "--audience", "players")
    assert (tmp_path / "whole.png").read_bytes() != (tmp_path / "players.png").read_bytes()


async def test_players_see_what_their_viewers_see(platform: Service, room: Image, tmp_path: Path) -> None:
    viewers = tmp_path / "viewers.json"
    position = {"x": 5, "y": 2, "unit": "COORDINATE_UNIT_CELLS"}
    viewers.write_text(json.dumps({"viewers": [{"id": "elf", "position": position}]}))
    read = ("image", "read", room.id, "--layer", "composed", "--audience", "players", *at(platform))
    pictures = [tmp_path / "all.png", tmp_path / "seen.png"]
    await run(*read, "--out", str(pictures[0]))
    await run(*read, "--viewers", str(viewers), "--out", str(pictures[1]))
    lower = [pyvips.Image.new_from_file(str(each)).numpy()[110:140, :, :3].mean() for each in pictures]
    assert lower[1] < 1 < lower[0], "behind the wall, everything is black"
