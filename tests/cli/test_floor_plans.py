"""Floor plans on the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf import json_format
from tabletop.image.v1.map_pb2 import FloorPlan

from getimg_standin import Fault
from tests.cli.processes import run
from tests.plans.builders import two_rooms
from tests.plans.files import ONE_PAGE_DUNGEON, PICTURE, UNIVERSAL_VTT, as_bytes
from tests.service import Service, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("data")) as running:
        yield running


def at(platform: Service) -> tuple[str, str]:
    return ("--target", platform.running.address)


async def test_a_plan_is_generated_checked_and_drawn(platform: Service, tmp_path: Path) -> None:
    plan_file = tmp_path / "plan.json"
    plan = str(plan_file)
    options = ("--kind", "cave", "--size", "30x20", "--seed", "-4")
    _, out, _ = await run("floor-plan", "generate", *options, "--out", plan, *at(platform))
    assert out.startswith(f"{plan}: 30 x 20 cells, ")
    assert len(json_format.Parse(plan_file.read_text(), FloorPlan()).terrain) == 20
    assert (await run("floor-plan", "check", plan, *at(platform)))[1] == "no mistakes\n"
    picture = tmp_path / "plan.png"
    _, out, _ = await run("floor-plan", "render", plan, "--grid", "--cell", "20", "--out", str(picture), *at(platform))
    assert out == f"{picture}: 600 x 400, cells of 20 px\n"
    assert picture.read_bytes().startswith(b"\x89PNG")
    mask = tmp_path / "mask.svg"
    await run("floor-plan", "render", plan, "--content", "mask", "--out", str(mask), *at(platform))
    assert mask.read_bytes().startswith(b"<svg")
    code, _, error = await run("floor-plan", "render", plan, "--out", "plan.jpg", *at(platform))
    assert code != 0
    assert "must end in .png or .svg" in error


async def test_without_a_file_the_ground_is_printed(platform: Service) -> None:
    _, out, _ = await run("floor-plan", "generate", "--size", "20x12", *at(platform))
    lines = out.splitlines()
    assert [len(line) for line in lines[:12]] == [20] * 12
    assert set("".join(lines[:12])) >= {"#", "."}
    assert lines[12].startswith("20 x 12 cells, ")
    _, out, _ = await run("floor-plan", "generate", "--size", "20x12", "--output", "json", *at(platform))
    assert json.loads(out)["parameters"]["algorithm_version"] == 1


async def test_a_map_is_generated_by_a_plan(platform: Service, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json_format.MessageToJson(two_rooms()))
    options = ("--theme", "fantasy", "--plan", str(plan), "--min-score", "0.5", "--max-tries", "2", "--size", "640x400")
    _, out, _ = await run("generate", "tactical-map", *options, "--output", "json", *at(platform))
    image = json.loads(out)["image"]
    assert image["map"]["grid"]["size"] == 80
    _, out, _ = await run("map", "get", image["id"], *at(platform))
    assert "the picture follows its plan with a score of 1.00, shifted by" in out.splitlines()[0]
    picture = tmp_path / "map.png"
    options = ("--layer", "composed", "--draw-weak-edges", "--out", str(picture))
    await run("image", "read", image["id"], *options, *at(platform))
    assert picture.read_bytes().startswith(b"\x89PNG")
    upload = ("image", "upload", str(picture), "--subtype", "tactical", "--theme", "fantasy", "--grid", "80")
    _, out, _ = await run(*upload, "--plan", str(plan), "--output", "json", *at(platform))
    assert len(json.loads(out)["map"]["walls"]) == 7


async def test_mistakes_are_listed(platform: Service, tmp_path: Path) -> None:
    broken = two_rooms(walls=[each for each in two_rooms().walls if each.id != "left"])
    (tmp_path / "plan.json").write_text(json_format.MessageToJson(broken))
    code, out, _ = await run("floor-plan", "check", str(tmp_path / "plan.json"), *at(platform))
    assert code == 1
    assert "no wall between these cells" in out
    assert "column 1, row 1" in out
    code, out, error = await run("floor-plan", "check", str(tmp_path / "plan.json"), "-o", "ids", *at(platform))
    assert (code, out, error) == (1, "", "")


async def test_the_score_and_the_price_of_tries_are_printed(platform: Service, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json_format.MessageToJson(two_rooms()))
    generate = ("generate", "tactical-map", "--theme", "fantasy", "--cell", "50", *at(platform))
    options = ("--plan", str(plan), "--min-score", "0.9", "--max-tries", "3")
    _, out, _ = await run(*generate, *options, "--dry-run")
    assert "USD for each of up to 3 pictures." in out
    platform.standin.add_fault(Fault(kind="unrelated", count=3))
    _, out, _ = await run(*generate, *options)
    first, second = out.splitlines()
    assert ": 400 x 250, " in first
    assert second.startswith("the picture follows its plan with a score of 0.00, the best of 3 pictures, ")
    assert "shifted" not in second
    for wrong in (("--plan", str(plan), "--max-tries", "3"), ("--min-score", "0.9")):
        code, _, error = await run(*generate, *wrong)
        assert code == 2
        assert f"needs {'--min-score' if '--plan' in wrong else '--plan'}" in error


async def test_files_are_imported(platform: Service, tmp_path: Path) -> None:
    (tmp_path / "cellar.uvtt").write_bytes(as_bytes(UNIVERSAL_VTT))
    plan, picture = tmp_path / "plan.json", tmp_path / "cellar.png"
    files = (str(tmp_path / "cellar.uvtt"), "--out", str(plan), "--picture", str(picture))
    _, out, _ = await run("floor-plan", "import", *files, *at(platform))
    assert picture.read_bytes() == PICTURE
    assert out.splitlines()[:2] == [
        f"{plan}: 10 x 5 cells, 0 rooms, 5 walls, 1 door, 1 light, 0 objects",
        f"{picture}: 1 kB, cells of 20 px",
    ]
    assert "- portals that are not closed become windows" in out
    (tmp_path / "vault.json").write_bytes(as_bytes(ONE_PAGE_DUNGEON))
    _, out, _ = await run("floor-plan", "import", str(tmp_path / "vault.json"), "--out", "-", *at(platform))
    assert json.loads(out)["size"] == {"columns": 12, "rows": 7}
    files = (str(tmp_path / "vault.json"), "--out", str(plan), "--picture", str(picture))
    code, _, error = await run("floor-plan", "import", *files, *at(platform))
    assert code != 0
    assert "has no picture" in error
